"""Wiring of Route admission."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.engine.plan import Controller
from hauberk.kinds.openshift.ingress_config import CLUSTER
from hauberk.kinds.openshift.route import admitted
from hauberk.openshift.names import CLUSTER_INGRESS, ROUTE
from hauberk.openshift.route_admission.plan import World, plan
from hauberk.ports import Snapshot


def _touched(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:
    """Routes whose verdict may turn: the same host, or refused so far (their rival may have gone)."""
    host = changed["spec"].get("host")
    return [ref_of(r) for r in snapshot.list(ROUTE) if r["spec"].get("host") == host or not admitted(r)]


def _all(_: Json, snapshot: Snapshot) -> Iterable[Ref]:
    return [ref_of(route) for route in snapshot.list(ROUTE)]


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Route and the others with its host."""
    route = snapshot.get(ref)
    if route is None:
        return None
    config = snapshot.get(Ref(CLUSTER_INGRESS, "", CLUSTER)) or {}
    host = route["spec"].get("host")
    rivals = tuple(
        r
        for r in snapshot.list(ROUTE)
        if r["spec"].get("host") == host and ref_of(r) != ref and not is_deleting(r)
    )
    return World(route=route, rivals=rivals, domain=(config.get("spec") or {}).get("domain", ""))


CONTROLLER: Controller[World] = Controller(
    name="router",
    kind=ROUTE,
    wakes={ROUTE: _touched, CLUSTER_INGRESS: _all},
    observe=observe,
    plan=plan,
)
