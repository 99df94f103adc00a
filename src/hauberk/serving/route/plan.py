"""Route → Ingress and placeholder Services; the Ingress's state back into the Route's status. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hauberk.base.conditions import Condition, condition, is_true, ready
from hauberk.base.refs import Json, annotations_of, controller_of, labels_of
from hauberk.engine.plan import Note, Plan
from hauberk.serving.certificate.wanted import (
    Outcome,
    both,
    certificate_name,
    is_wanted,
    make_certificate,
    make_local_certificate,
    outcome,
)
from hauberk.serving.config.domain import Domains
from hauberk.serving.config.network import Network
from hauberk.serving.names import A_ROLLOUT, L_VISIBILITY, created, internal_error, kept
from hauberk.serving.route import rollout
from hauberk.serving.route.hosts import CLUSTER_LOCAL, Hosts, hosts_of
from hauberk.serving.route.make import Traffic, make_ingress, make_placeholder
from hauberk.serving.route.rollout import Rollout
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
    tag_headers: bool = False  # feature tag-header-based-routing
    certificates: Mapping[str, Json] = field(default_factory=dict)  # by name


def plan(world: World, now: float) -> Plan:
    """Decide what exists below one Route, and what its status says.

    Source: knative/serving pkg/reconciler/route/route.go, ReconcileKind.
    """
    spec = world.route["spec"].get("traffic") or ()
    tags = ["", *sorted({t["tag"] for t in spec if t.get("tag")})]
    hosts = {tag: _hosts(world, tag) for tag in tags}
    certified = _certified(world, hosts)
    targets, assigned = resolve(spec, world.configurations, world.revisions)
    if assigned.status != "True":
        unrouted = Condition("IngressReady", "Unknown")
        before = (world.route.get("status") or {}).get("traffic")
        status = _status(world, hosts[""], [assigned, certified.condition, unrouted], before, certified)
        return Plan(children=(*_as_they_are(world), *certified.certificates), status=status)
    rollouts = _rollouts(world, targets, now)
    traffic = Traffic(targets=targets, rollouts=rollouts, by_header=world.tag_headers)
    try:
        ingress = make_ingress(world.route, traffic, hosts, world.network, certified.tls)
    except ValueError as error:
        parts = [assigned, certified.condition, Condition("IngressReady", "Unknown")]
        before = (world.route.get("status") or {}).get("traffic")
        status = _status(world, hosts[""], parts, before, certified)
        children = (*_as_they_are(world), *certified.certificates)
        return Plan(children=children, status=status, notes=(internal_error(str(error)),))
    routed = ingress_ready(world, ingress, rolling=not all(row.is_done for row in rollouts))
    urls = {tag: _url(world, names, certified) for tag, names in hosts.items()}
    shown = [row for t in targets for row in _shown(t, rollouts, urls)]
    status = _status(world, hosts[""], [assigned, certified.condition, routed], shown, certified)
    if world.foreign_service:
        text = f'route: "{world.route["metadata"]["name"]}" does not own Service: "{world.foreign_service}"'
        children = (ingress, *map(kept, world.services), *certified.certificates)
        return Plan(children=children, status=status, notes=(internal_error(text),))
    balancer = _balancer(world.ingress)
    placeholders = tuple(
        make_placeholder(world.route, tag, hosts[tag], world.network, balancer) for tag in tags
    )
    notes = tuple(_news(world, placeholders))
    due = rollout.next_step(rollouts)
    again = max(0.0, due / rollout.NANO - now) if due else None
    children = (ingress, *placeholders, *certified.certificates)
    return Plan(children=children, status=status, notes=notes, retry_after=again)


def _hosts(world: World, tag: str) -> Hosts:
    """The names of the Route or a tag; a label on the placeholder Service makes that one cluster-local.

    Source: knative/serving pkg/reconciler/route/visibility/visibility_resolver.go, GetVisibility.
    """
    found = hosts_of(world.route, tag, world.domains, world.network)
    name = found.local[0].partition(".")[0]
    labels = next((labels_of(s) for s in world.services if s["metadata"]["name"] == name), {})
    return replace(found, external="") if labels.get(L_VISIBILITY) == CLUSTER_LOCAL else found


def _rollouts(world: World, targets: Sequence[Target], now: float) -> tuple[Rollout, ...]:
    """Where the traffic stands now: at its goals, or on the way there.

    Source: knative/serving pkg/reconciler/route/reconcile_resources.go, reconcileRollout.
    """
    wanted = rollout.goals(targets)
    takes_s = rollout.duration_s(annotations_of(world.route), world.network.rollout_duration_s)
    if world.ingress is None or takes_s <= 0:
        return wanted
    before = rollout.load(annotations_of(world.ingress).get(A_ROLLOUT, ""))
    is_ready = _is_current(world.ingress) and is_true(world.ingress)
    return rollout.step(wanted, before, int(now * rollout.NANO), ready=is_ready, takes_s=takes_s)


def _is_current(ingress: Json) -> bool:
    observed = (ingress.get("status") or {}).get("observedGeneration")
    return bool(observed == ingress["metadata"].get("generation"))


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


def _certified(world: World, hosts: Mapping[str, Hosts]) -> Outcome:
    """What the Certificates of all names come to."""
    return both(_certified_outside(world, hosts), _certified_inside(world, hosts))


def _certified_inside(world: World, hosts: Mapping[str, Hosts]) -> Outcome:
    """The Certificates of the cluster-local names, where cluster-local-domain-tls is on.

    One that is not ready yet is never a reason to show plain HTTP as the goal.
    """
    if not world.network.local_tls:
        return Outcome()
    wanted = [
        make_local_certificate(world.route, tag, names.local, world.network)
        for tag, names in sorted(hosts.items())
    ]
    strict = replace(world.network, http_option="Redirected")
    found = outcome(world.route, wanted, world.certificates, strict)
    ready_hosts = {host for row in found.tls for host in row["hosts"]}
    return replace(found, secure=frozenset(ready_hosts))


def _certified_outside(world: World, hosts: Mapping[str, Hosts]) -> Outcome:
    """The Certificates of the external hosts, one each, where external-domain-tls is on."""
    if not is_wanted(world.route, world.network):
        return Outcome()
    domain = world.domains.choose(labels_of(world.route))
    wanted = [
        make_certificate(
            world.route, certificate_name(world.route, tag), names.external, domain, world.network
        )
        for tag, names in sorted(hosts.items())
        if names.external
    ]
    return outcome(world.route, wanted, world.certificates, world.network) if wanted else Outcome()


def _url(world: World, hosts: Hosts, certified: Outcome) -> str:
    if not hosts.external:
        return _address(hosts, certified)
    if hosts.external in certified.secure:
        return f"https://{hosts.external}"
    scheme = "http" if hosts.external in certified.plain else world.network.external_scheme
    return f"{scheme}://{hosts.external}"


def _address(hosts: Hosts, certified: Outcome) -> str:
    return hosts.address("https" if hosts.local[2] in certified.secure else "http")


def ingress_ready(world: World, wanted: Json, *, rolling: bool = False) -> Condition:
    """IngressReady as a table.

    | placeholder's name | Ingress                      | IngressReady                  |
    |--------------------|------------------------------|-------------------------------|
    | taken              | any                          | False, NotOwned               |
    | free or ours       | absent, or not as wanted     | Unknown, IngressNotConfigured |
    | free or ours       | its status is behind         | Unknown, IngressNotConfigured |
    | free or ours       | without Ready                | Unknown, IngressNotConfigured |
    | free or ours       | current, a rollout goes on   | Unknown, RolloutInProgress    |
    | free or ours       | current                      | copy of its Ready             |

    Source: knative/serving pkg/apis/serving/v1/route_lifecycle.go, MarkServiceNotOwned,
    MarkIngressNotConfigured, MarkIngressRolloutInProgress, PropagateIngressStatus.
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
    if not _is_current(ingress):
        return late
    if rolling:
        text = "A gradual rollout of the latest revision(s) is in progress."
        return Condition("IngressReady", "Unknown", "RolloutInProgress", text)
    row = condition(ingress, "Ready")
    if row is None:
        return late
    return Condition("IngressReady", row["status"], row.get("reason", ""), row.get("message", ""))


def _balancer(ingress: Json | None) -> str:
    status = (ingress or {}).get("status") or {}
    for row in (status.get("privateLoadBalancer") or {}).get("ingress") or ():
        return str(row.get("domainInternal") or row.get("domain") or row.get("ip") or "")
    return ""


def _shown(target: Target, rollouts: Sequence[Rollout], urls: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The target's rows of `status.traffic`: one for each revision that it is shared between."""
    tag = "" if target.percent else target.tag
    for share in rollout.shares_of(target, tag, rollouts):
        row: dict[str, Any] = {"revisionName": share.revision, "latestRevision": target.latest}
        if target.percent is not None:
            row["percent"] = share.percent
        if target.tag:
            row |= {"tag": target.tag, "url": urls[target.tag]}
        yield row


def _status(
    world: World,
    hosts: Hosts,
    parts: Sequence[Condition],
    traffic: Sequence[Json] | None,
    certified: Outcome,
) -> dict[str, Any]:
    rows = sorted([*parts, ready(parts)], key=lambda c: c.type)
    status: dict[str, Any] = {
        "conditions": [c.as_json() for c in rows],
        "url": _url(world, hosts, certified),
        "address": {"url": _address(hosts, certified)},
    }
    if traffic:
        status["traffic"] = list(traffic)
    return status
