"""Service → Configuration and Route, and their state back into the Service's status. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, condition, ready
from hauberk.base.refs import Json, controller_of
from hauberk.engine.plan import Plan
from hauberk.serving.names import created, internal_error, kept
from hauberk.serving.service.make import make_configuration, make_route


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Service may depend on."""

    service: Json
    configuration: Json | None
    route: Json | None
    name_taken: bool = False  # the revision that the template names is another one


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one Service, and what its status says.

    Source: knative/serving pkg/reconciler/service/service.go, ReconcileKind.
    """
    if _is_foreign(world, world.configuration):
        parts = [_not_owned("Configuration", world.configuration), Condition("RoutesReady", "Unknown")]
        return _ended(world, parts, "Configuration", world.configuration)
    configured = configurations_ready(world)
    if _is_foreign(world, world.route):
        parts = [configured, _not_owned("Route", world.route)]
        return _ended(world, parts, "Route", world.route)
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
    configuration = make_configuration(world.service)
    route = make_route(world.service)
    if _waits_for_name(world):  # traffic stays where it is
        children = (configuration, *([kept(world.route)] if world.route else []))
    else:
        children = (configuration, route)
    before = (("Configuration", world.configuration), ("Route", world.route))
    rows = zip(before, children, strict=False)  # the Route may have to wait
    new = [created(kind, child["metadata"]["name"]) for (kind, old), child in rows if not old]
    return Plan(children=children, status=status, notes=tuple(new))


def template_name(obj: Json | None) -> str:
    """The revision name that the user chose; empty when the Configuration makes one."""
    template = ((obj or {}).get("spec") or {}).get("template") or {}
    return str((template.get("metadata") or {}).get("name") or "")


def _waits_for_name(world: World) -> bool:
    """Whether the Route must not be written: with a chosen name the Configuration comes first."""
    if not template_name(world.service):
        return False
    config = world.configuration or {"metadata": {"generation": 1}}
    observed = (config.get("status") or {}).get("observedGeneration")
    return world.name_taken or observed != config["metadata"].get("generation")


def _ended(world: World, parts: list[Condition], kind: str, child: Json | None) -> Plan:
    """Nothing is written beside the status when a name is somebody else's; what is ours stays."""
    assert child is not None, "asked only when it exists"
    service, name = world.service["metadata"]["name"], child["metadata"]["name"]
    text = f'service: "{service}" does not own {kind.lower()}: "{name}"'
    own: tuple[Json, ...] = (make_configuration(world.service),)
    if kind == "Configuration":
        stays = world.route is not None and not _is_foreign(world, world.route)
        own = (kept(world.route),) if world.route is not None and stays else ()
    return Plan(children=own, status={"conditions": _conditions(parts)}, notes=(internal_error(text),))


def _conditions(parts: list[Condition]) -> list[dict[str, Any]]:
    rows = [*parts, ready(parts)]
    return [c.as_json() for c in sorted(rows, key=lambda c: c.type)]


def _is_foreign(world: World, child: Json | None) -> bool:
    """Whether a child's name is taken by somebody else's object."""
    owner = controller_of(child) if child is not None else None
    return child is not None and (owner or {}).get("uid") != world.service["metadata"]["uid"]


def _not_owned(kind: str, child: Json | None) -> Condition:
    """Source: knative/serving pkg/apis/serving/v1/service_lifecycle.go, Mark{Configuration,Route}NotOwned."""
    assert child is not None, "asked only when it exists"
    message = f'There is an existing {kind} "{child["metadata"]["name"]}" that we do not own.'
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
    | any     | any                    | the chosen name is another's    | False, RevisionNameTaken |
    | absent  | -                      | -                               | Unknown                 |
    | present | behind                 | -                               | Unknown, OutOfDate      |
    | present | current, Ready         | not yet                         | Unknown, TrafficNotMigrated |
    | present | current                | else                            | copy of its Ready       |

    Source: knative/serving pkg/apis/serving/v1/service_lifecycle.go, MarkRevisionNameTaken,
    MarkRouteNotReconciled, MarkRouteNotYetReady, PropagateRouteStatus.
    """
    if world.name_taken:
        name = template_name(world.service)
        taken = (
            f'The revision name "{name}" is taken by a conflicting Revision, so traffic will not be migrated'
        )
        return Condition("RoutesReady", "False", "RevisionNameTaken", taken)
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
