"""serving.knative.dev/v1 Route: a host name and how its requests are shared between revisions."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import CATEGORIES, READY, URL
from hauberk.kinds.serving.defaults import default_route
from hauberk.kinds.serving.parts import TrafficTarget
from hauberk.kinds.serving.rules import check_name, check_service_metadata, check_traffic


class RouteSpec(Part, frozen=True):
    """How requests are shared."""

    traffic: tuple[TrafficTarget, ...] = ()


class Route(Part, frozen=True):
    """Route gives an app its host names and shares the requests between its revisions."""

    metadata: ObjectMeta = ObjectMeta()
    spec: RouteSpec = RouteSpec()
    status: dict[str, Any] | None = None


def validate(route: Route) -> FieldErrors:
    """Rules that span fields."""
    yield from check_service_metadata(route.metadata)
    yield from check_name(route.metadata.name)
    yield from (e.under("spec.traffic") for e in check_traffic(route.spec.traffic, of_service=False))


KIND = Kind(
    group="serving.knative.dev",
    name="Route",
    plural="routes",
    short_names=("rt",),
    categories=CATEGORIES,
    model=Route,
    validate=validate,
    default=default_route,
    columns=(URL, *READY),
)
