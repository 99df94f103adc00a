"""Service → Configuration and Route, and their state back into the Service's status. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, condition, ready
from hauberk.base.refs import Json, controller_of
from hauberk.engine.plan import Plan
from hauberk.serving.service.make import make_configuration, make_route


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Service may depend on."""

    service: Json
    configuration: Json | None
    route: Json | None


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one Service, and what its status says.

    Source: knative/serving pkg/reconciler/service/service.go, ReconcileKind.
    """
    foreign = [c for c in (_foreign(world, "Configuration"), _foreign(world, "Route")) if c is not None]
    if foreign:
        return Plan(status={"conditions": _conditions(foreign)})
    configured = configurations_ready(world)
    routed = routes_ready(world)
    status: dict[str, Any] = {"conditions": _conditions([configured, routed])}
    config_status = (world.configuration or {}).get("status") or {}
    for key in ("latestCreatedRevisionName", "latestReadyRevisionName"):
        if config_status.get(key):
            status[key] = config_status[key]
    route_status = (world.route or {}).get("status") or {}
    for key in ("url", "address", "traffic"):
        if route_status.get(key):
            status[key] = route_status[key]
    return Plan(
        children=(make_configuration(world.service), make_route(world.service)),
        status=status,
    )


def _conditions(parts: list[Condition]) -> list[dict[str, Any]]:
    rows = [*parts, ready(parts)]
    return [c.as_json() for c in sorted(rows, key=lambda c: c.type)]


def _foreign(world: World, kind: str) -> Condition | None:
    """The condition when a child's name is taken by somebody else's object."""
    child = world.configuration if kind == "Configuration" else world.route
    if child is None:
        return None
    owner = controller_of(child)
    if owner is not None and owner["uid"] == world.service["metadata"]["uid"]:
        return None
    name = child["metadata"]["name"]
    message = f'There is an existing {kind} "{name}" that we do not own.'
    return Condition(f"{kind}sReady", "False", "NotOwned", message)


def configurations_ready(world: World) -> Condition:
    """ConfigurationsReady as a table.

    | Configuration | its observedGeneration | ConfigurationsReady       |
    |---------------|------------------------|---------------------------|
    | absent        | -                      | Unknown                   |
    | present       | behind                 | Unknown, OutOfDate        |
    | present       | current                | copy of its Ready         |

    Source: knative/serving pkg/apis/serving/v1/service_lifecycle.go.
    """
    message = "The Configuration is still working to reflect the latest desired specification."
    return _copied("ConfigurationsReady", world.configuration, "OutOfDate", message)


def routes_ready(world: World) -> Condition:
    """RoutesReady as a table.

    | Route   | its observedGeneration | traffic on the latest ready one | RoutesReady             |
    |---------|------------------------|---------------------------------|-------------------------|
    | absent  | -                      | -                               | Unknown                 |
    | present | behind                 | -                               | Unknown, OutOfDate      |
    | present | current, Ready         | not yet                         | Unknown, TrafficNotMigrated |
    | present | current                | else                            | copy of its Ready       |
    """
    message = "The Route is still working to reflect the latest desired specification."
    copied = _copied("RoutesReady", world.route, "OutOfDate", message)
    if copied.status != "True" or not _is_waiting_for_traffic(world):
        return copied
    text = "Traffic is not yet migrated to the latest revision."
    return Condition("RoutesReady", "Unknown", "TrafficNotMigrated", text)


def _is_waiting_for_traffic(world: World) -> bool:
    latest = ((world.configuration or {}).get("status") or {}).get("latestReadyRevisionName")
    targets = ((world.route or {}).get("status") or {}).get("traffic") or ()
    return any(t.get("latestRevision") and t.get("revisionName") != latest for t in targets)


def _copied(kind: str, child: Json | None, reason: str, message: str) -> Condition:
    if child is None:
        return Condition(kind, "Unknown")
    status = child.get("status") or {}
    if status.get("observedGeneration") != child["metadata"].get("generation"):
        return Condition(kind, "Unknown", reason, message)
    found = condition(child, "Ready")
    if found is None:
        return Condition(kind, "Unknown")
    return Condition(kind, found["status"], found.get("reason", ""), found.get("message", ""))
