"""Knative Serving: from a Service to its pods and its routes. One folder per kind.

`controllers(…)` is given what a decision cannot know by itself; `CONTROLLERS` are the rows with the plain
answers: images run by their tags, gateways and the router are taken at their word.
"""

from __future__ import annotations

from typing import Any

from hauberk.engine.plan import Controller
from hauberk.serving.admission import ADMISSION
from hauberk.serving.certificate import controller as certificate
from hauberk.serving.certificate.controller import Issue
from hauberk.serving.configuration import controller as configuration
from hauberk.serving.domainmapping import controller as domainmapping
from hauberk.serving.ingress import controller as ingress
from hauberk.serving.ingress import copies
from hauberk.serving.ingress.controller import Exposed, Probe, assume_exposed, assume_served
from hauberk.serving.resolver import Resolve, use_tags
from hauberk.serving.revision import controller as revision
from hauberk.serving.route import controller as route
from hauberk.serving.serverlessservice import controller as serverlessservice
from hauberk.serving.service import controller as service

__all__ = ["ADMISSION", "CONTROLLERS", "Exposed", "Issue", "Probe", "Resolve", "controllers"]


def controllers(
    *,
    resolve: Resolve = use_tags,
    probe: Probe = assume_served,
    exposed: Exposed = assume_exposed,
    issue: Issue | None = None,
) -> tuple[Controller[Any], ...]:
    """All rows. `resolve` knows images' digests, `probe` and `exposed` what gateways and router serve.

    `issue` makes certificates; without it Certificates say that nobody does.
    """
    return (
        service.CONTROLLER,
        configuration.CONTROLLER,
        revision.controller(resolve),
        route.CONTROLLER,
        ingress.controller(probe, exposed),
        serverlessservice.CONTROLLER,
        domainmapping.CONTROLLER,
        copies.CONTROLLER,
        certificate.controller(issue),
    )


CONTROLLERS = controllers()
