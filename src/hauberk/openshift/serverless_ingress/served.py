"""Whether the router serves an Ingress's external hosts: its Routes are judged, published and acknowledged.

Source: openshift/router pkg/router/controller/status.go (a verdict comes before the reload that serves it).
Deviation: upstream nobody asks; an acknowledged configuration is taken for a served one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hauberk.base.refs import Json, annotations_of, ref_of
from hauberk.mesh.acks import Acks
from hauberk.openshift.bootstrap import SELECTOR
from hauberk.openshift.names import CLASSES, DISABLE_ROUTE, INGRESS_CLASS, ROUTER_NAMESPACE
from hauberk.openshift.serverless_ingress.make import external_hosts, make_routes
from hauberk.ports import Api


@dataclass(frozen=True, slots=True)
class RoutesServed:
    """Answers for one Ingress, from what is known now."""

    api: Api
    acks: Acks

    def __call__(self, ingress: Json) -> bool:
        """Whether a request to any external host gets past the router, or is known to be refused there."""
        if not wants_routes(ingress):
            return True
        snapshot = self.api.snapshot()
        wanted = list(make_routes(ingress))
        revision = judged_at(wanted, [snapshot.get(ref_of(route)) for route in wanted])
        if not wanted or revision is None:
            return False
        return self.acks.serve(revision, snapshot.list("Pod", ROUTER_NAMESPACE, SELECTOR))


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
