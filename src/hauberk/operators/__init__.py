"""What an admin's resources set in motion: the mesh, its members, Serverless's components, sidecars."""

from __future__ import annotations

from typing import Any

from hauberk.engine.plan import Controller
from hauberk.operators.admission import VALIDATORS
from hauberk.operators.control_plane.controller import CONTROLLER as CONTROL_PLANE
from hauberk.operators.facts import Facts
from hauberk.operators.injection.admit import ADMISSION as INJECTION
from hauberk.operators.injection.advise import ADMISSION as SIDECAR_ADVICE
from hauberk.operators.knative_eventing.controller import CONTROLLER as KNATIVE_EVENTING
from hauberk.operators.knative_kafka.controller import CONTROLLER as KNATIVE_KAFKA
from hauberk.operators.knative_serving.controller import CONTROLLER as KNATIVE_SERVING
from hauberk.operators.member.controller import CONTROLLER as MESH_MEMBER
from hauberk.operators.member_roll.controller import CONTROLLER as MEMBER_ROLL
from hauberk.operators.mesh_namespace.controller import controller as mesh_namespace
from hauberk.ports_admission import Admission

__all__ = ["ADMISSION", "Facts", "controllers"]

ADMISSION: tuple[Admission, ...] = (INJECTION, *VALIDATORS, SIDECAR_ADVICE)


def controllers(facts: Facts) -> tuple[Controller[Any], ...]:
    """Every controller of this room."""
    return (
        CONTROL_PLANE,
        MEMBER_ROLL,
        MESH_MEMBER,
        mesh_namespace(facts),
        KNATIVE_SERVING,
        KNATIVE_EVENTING,
        KNATIVE_KAFKA,
    )
