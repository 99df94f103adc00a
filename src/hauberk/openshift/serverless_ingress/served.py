"""Whether the router serves an Ingress's external hosts: its Routes are judged, published and acknowledged.

Source: openshift/router pkg/router/controller/status.go (a verdict comes before the reload that serves it).
Deviation: upstream nobody asks; an acknowledged configuration is taken for a served one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, annotations_of, is_deleting, ref_of
from hauberk.openshift.bootstrap import SELECTOR
from hauberk.openshift.names import CLASSES, DISABLE_ROUTE, INGRESS_CLASS, ROUTER_NAMESPACE
from hauberk.openshift.serverless_ingress.make import external_hosts, make_routes
from hauberk.ports import Api, Snapshot


@dataclass(frozen=True, slots=True)
class RoutesServed:
    """Answers for one Ingress, from what is known now.

    `published` is the store revision that the newest publication contains; `is_synced` tells of a pod's uid
    whether its proxy acknowledged all that is published.
    """

    api: Api
    published: Callable[[], int]
    is_synced: Callable[[str], bool]

    def __call__(self, ingress: Json) -> bool:
        """Whether a request to any external host gets past the router, or is known to be refused there."""
        if not wants_routes(ingress):
            return True
        snapshot = self.api.snapshot()
        wanted = list(make_routes(ingress))
        revision = judged_at(wanted, [snapshot.get(ref_of(route)) for route in wanted])
        if not wanted or revision is None or self.published() < revision:
            return False
        pods = list(_routers(snapshot))
        return bool(pods) and all(self.is_synced(p["metadata"]["uid"]) for p in pods)


def wants_routes(ingress: Json) -> bool:
    """Whether this Ingress has Routes, now or once its gateway is known."""
    notes = annotations_of(ingress)
    if notes.get(INGRESS_CLASS) not in CLASSES or DISABLE_ROUTE in notes:
        return False
    return any(external_hosts(ingress))


def judged_at(wanted: Iterable[Json], stored: Iterable[Json | None]) -> int | None:
    """The newest revision of the Routes, once each is as wanted and the router said yes or no; else None.

    A refused Route is an answer too: its status says why, and nobody waits for it in vain.
    """
    newest = 0
    for route, found in zip(wanted, stored, strict=True):
        if found is None or any(found["spec"].get(key) != value for key, value in route["spec"].items()):
            return None
        if not (found.get("status") or {}).get("ingress"):
            return None
        newest = max(newest, int(found["metadata"].get("resourceVersion") or 0))
    return newest


def _routers(snapshot: Snapshot) -> Iterable[Json]:
    """The ready pods of the router."""
    pods = snapshot.list("Pod", ROUTER_NAMESPACE, SELECTOR)
    return (p for p in pods if is_true(p) and not is_deleting(p))
