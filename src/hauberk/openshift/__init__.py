"""OpenShift around Serverless: Routes for ksvcs, Route admission, the router."""

from __future__ import annotations

from typing import Any

from hauberk.engine.plan import Controller
from hauberk.openshift.admission import ROWS
from hauberk.openshift.bootstrap import bootstrap_objects
from hauberk.openshift.ingress_to_route.controller import CONTROLLER as INGRESS_TO_ROUTE
from hauberk.openshift.route_admission.controller import CONTROLLER as ROUTER
from hauberk.openshift.serverless_ingress.controller import CONTROLLER as SERVERLESS_INGRESS
from hauberk.ports_admission import Admission

__all__ = ["ADMISSION", "CONTROLLERS", "bootstrap_objects"]

CONTROLLERS: tuple[Controller[Any], ...] = (SERVERLESS_INGRESS, INGRESS_TO_ROUTE, ROUTER)
ADMISSION: tuple[Admission, ...] = ROWS
