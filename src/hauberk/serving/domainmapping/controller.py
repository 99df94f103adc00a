"""Wiring of the DomainMapping controller."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.names import child_name
from hauberk.base.refs import Json, Ref, kind_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.kinds import BY_ID
from hauberk.ports import Snapshot
from hauberk.serving.config import network
from hauberk.serving.config.reading import data_of, wakes_all
from hauberk.serving.domainmapping.plan import World, finalize, plan
from hauberk.serving.domainmapping.target import kind_named, ref_of_target, resolve
from hauberk.serving.names import CERTIFICATE, CLAIM, DOMAIN_MAPPING, INGRESS, ROUTE, SERVICE


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one DomainMapping, its claim and what it names."""
    mapping = snapshot.get(ref)
    if mapping is None:
        return None
    wanted = ref_of_target(mapping)
    kind = BY_ID.get(wanted.kind)
    plural = f"{kind.plural}.{kind.group}".rstrip(".") if kind else wanted.kind.lower()
    found = snapshot.get(wanted) if kind else None
    certificate = snapshot.get(Ref(CERTIFICATE, ref.namespace, ref.name))
    return World(
        mapping=mapping,
        claim=snapshot.get(Ref(CLAIM, "", ref.name)),
        ingress=snapshot.get(Ref(INGRESS, ref.namespace, child_name(ref.name, ""))),
        certificates={ref.name: certificate} if certificate is not None else {},
        target=resolve(mapping, found, plural=plural),
        network=network.parse_network(data_of(snapshot, network.NAME)),
    )


def wake_for_claim(claim: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The mappings of the claimed name, in whatever namespace."""
    name = claim["metadata"]["name"]
    yield from (ref_of(m) for m in snapshot.list(DOMAIN_MAPPING) if m["metadata"]["name"] == name)


def wake_for_target(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The mappings that name the changed object."""
    meta = changed["metadata"]
    for mapping in snapshot.list(DOMAIN_MAPPING, meta.get("namespace")):
        reference = mapping["spec"].get("ref") or {}
        if reference.get("name") == meta["name"] and kind_named(reference) == kind_of(changed):
            yield ref_of(mapping)


CONTROLLER: Controller[World] = Controller(
    name="domainmapping",
    kind=DOMAIN_MAPPING,
    owns=(INGRESS, CERTIFICATE),
    wakes={
        CLAIM: wake_for_claim,
        SERVICE: wake_for_target,
        ROUTE: wake_for_target,
        "Service": wake_for_target,
        "ConfigMap": wakes_all(DOMAIN_MAPPING, network.NAME),
    },
    observe=observe,
    plan=plan,
    finalize=finalize,
)
