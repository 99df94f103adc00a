"""Route → Ingress and placeholder Services; the Ingress's state back into the Route's status. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition, condition, ready
from hauberk.base.refs import Json, controller_of
from hauberk.engine.plan import Note, Plan
from hauberk.serving.config.domain import Domains
from hauberk.serving.config.network import Network
from hauberk.serving.names import created, internal_error, kept
from hauberk.serving.route.hosts import Hosts, hosts_of
from hauberk.serving.route.make import make_ingress, make_placeholder
from hauberk.serving.route.traffic import Target, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Route may depend on."""

    route: Json
    ingress: Json | None
    services: tuple[Json, ...] = ()  # those this Route owns
    foreign_service: str = ""  # a name that somebody else's Service has taken
    configurations: Mapping[str, Json] = field(default_factory=dict)
    revisions: Mapping[str, Json] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    domains: Domains = field(default_factory=Domains)


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one Route, and what its status says.

    Source: knative/serving pkg/reconciler/route/route.go, ReconcileKind.
    """
    spec = world.route["spec"].get("traffic") or ()
    tags = ["", *sorted({t["tag"] for t in spec if t.get("tag")})]
    hosts = {tag: hosts_of(world.route, tag, world.domains, world.network) for tag in tags}
    targets, assigned = resolve(spec, world.configurations, world.revisions)
    if assigned.status != "True":
        unrouted = Condition("IngressReady", "Unknown")
        before = (world.route.get("status") or {}).get("traffic")
        status = _status(world, hosts[""], [assigned, _certificate(), unrouted], before)
        return Plan(children=_as_they_are(world), status=status)
    try:
        ingress = make_ingress(world.route, targets, hosts, world.network)
    except ValueError as error:
        parts = [assigned, _certificate(), Condition("IngressReady", "Unknown")]
        status = _status(world, hosts[""], parts, (world.route.get("status") or {}).get("traffic"))
        return Plan(children=_as_they_are(world), status=status, notes=(internal_error(str(error)),))
    routed = ingress_ready(world, ingress)
    shown = [_shown(t, hosts, world.network) for t in targets]
    status = _status(world, hosts[""], [assigned, _certificate(), routed], shown)
    if world.foreign_service:
        text = f'route: "{world.route["metadata"]["name"]}" does not own Service: "{world.foreign_service}"'
        children = (ingress, *map(kept, world.services))
        return Plan(children=children, status=status, notes=(internal_error(text),))
    balancer = _balancer(world.ingress)
    placeholders = tuple(
        make_placeholder(world.route, tag, hosts[tag], world.network, balancer) for tag in tags
    )
    notes = tuple(_news(world, placeholders))
    return Plan(children=(ingress, *placeholders), status=status, notes=notes)


def _news(world: World, placeholders: Sequence[Json]) -> Iterator[Note]:
    """An event for each child that was not there."""
    if world.ingress is None:
        yield created("Ingress", world.route["metadata"]["name"])
    before = {service["metadata"]["name"] for service in world.services}
    names = (service["metadata"]["name"] for service in placeholders)
    yield from (created("placeholder service", name) for name in names if name not in before)


def _as_they_are(world: World) -> tuple[Json, ...]:
    """What exists stays while traffic cannot be assigned anew."""
    own = [world.ingress] if world.ingress is not None and _is_own(world) else []
    return tuple(kept(child) for child in (*own, *world.services))


def _is_own(world: World) -> bool:
    owner = controller_of(world.ingress) if world.ingress else None
    return owner is not None and owner["uid"] == world.route["metadata"]["uid"]


def _certificate() -> Condition:
    """Source: knative/serving pkg/apis/serving/v1/route_lifecycle.go, MarkTLSNotEnabled."""
    return Condition("CertificateProvisioned", "True", "TLSNotEnabled", "external-domain-tls is not enabled")


def ingress_ready(world: World, wanted: Json) -> Condition:
    """IngressReady as a table.

    | placeholder's name | Ingress                      | IngressReady                  |
    |--------------------|------------------------------|-------------------------------|
    | taken              | any                          | False, NotOwned               |
    | free or ours       | absent, or not as wanted     | Unknown, IngressNotConfigured |
    | free or ours       | its status is behind         | Unknown, IngressNotConfigured |
    | free or ours       | without Ready                | Unknown, IngressNotConfigured |
    | free or ours       | current                      | copy of its Ready             |

    Source: knative/serving pkg/apis/serving/v1/route_lifecycle.go, MarkServiceNotOwned,
    MarkIngressNotConfigured, PropagateIngressStatus.
    """
    if world.foreign_service:
        text = f'There is an existing placeholder Service "{world.foreign_service}" that we do not own.'
        return Condition("IngressReady", "False", "NotOwned", text)
    ingress = world.ingress
    late = Condition(
        "IngressReady", "Unknown", "IngressNotConfigured", "Ingress has not yet been reconciled."
    )
    if ingress is None or ingress.get("spec") != wanted["spec"]:
        return late
    status = ingress.get("status") or {}
    if status.get("observedGeneration") != ingress["metadata"].get("generation"):
        return late
    row = condition(ingress, "Ready")
    if row is None:
        return late
    return Condition("IngressReady", row["status"], row.get("reason", ""), row.get("message", ""))


def _balancer(ingress: Json | None) -> str:
    status = (ingress or {}).get("status") or {}
    for row in (status.get("privateLoadBalancer") or {}).get("ingress") or ():
        return str(row.get("domainInternal") or row.get("domain") or row.get("ip") or "")
    return ""


def _shown(target: Target, hosts: Mapping[str, Hosts], network: Network) -> dict[str, Any]:
    row: dict[str, Any] = {"revisionName": target.revision, "latestRevision": target.latest}
    if target.percent is not None:
        row["percent"] = target.percent
    if target.tag:
        row |= {"tag": target.tag, "url": hosts[target.tag].url(network.external_scheme)}
    return row


def _status(
    world: World, hosts: Hosts, parts: Sequence[Condition], traffic: Sequence[Json] | None
) -> dict[str, Any]:
    rows = sorted([*parts, ready(parts)], key=lambda c: c.type)
    status: dict[str, Any] = {
        "conditions": [c.as_json() for c in rows],
        "url": hosts.url(world.network.external_scheme),
        "address": {"url": hosts.address},
    }
    if traffic:
        status["traffic"] = list(traffic)
    return status
