"""Wiring of Route admission."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.engine.plan import Controller
from hauberk.kinds.openshift.ingress_config import CLUSTER
from hauberk.kinds.openshift.route import admitted
from hauberk.openshift.names import CLUSTER_INGRESS, ROUTE
from hauberk.openshift.route_admission.plan import World, plan
from hauberk.ports import Index, Snapshot


def _said(route: Json) -> Iterable[str]:
    host = route["spec"].get("host")
    return (f"host:{host}",) if admitted(route) else (f"host:{host}", _REFUSED)


_REFUSED = "refused"
ROUTES_BY_HOST = Index(ROUTE, _said)
"""Routes by their host, and those that are not admitted."""


def _touched(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:
    """Routes whose verdict may turn: the same host, or refused so far (their rival may have gone)."""
    host = changed["spec"].get("host")
    keys = (f"host:{host}", _REFUSED)
    return dict.fromkeys(ref_of(r) for key in keys for r in snapshot.find(ROUTES_BY_HOST, key))


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
        r for r in snapshot.find(ROUTES_BY_HOST, f"host:{host}") if ref_of(r) != ref and not is_deleting(r)
    )
    return World(route=route, rivals=rivals, domain=(config.get("spec") or {}).get("domain", ""))


CONTROLLER: Controller[World] = Controller(
    name="router",
    kind=ROUTE,
    wakes={ROUTE: _touched, CLUSTER_INGRESS: _all},
    observe=observe,
    plan=plan,
)
