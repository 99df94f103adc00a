"""Wiring of the Serverless ingress controller."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.openshift.names import INGRESS_NAME, INGRESS_NAMESPACE, INTERNAL_INGRESS, ROUTE
from hauberk.openshift.serverless_ingress.plan import World, finalize, plan
from hauberk.ports import Snapshot


def _ingress_of(route: Json, snapshot: Snapshot) -> Iterable[Ref]:  # noqa: ARG001
    labels = labels_of(route)
    if INGRESS_NAME not in labels:
        return []
    return [Ref(INTERNAL_INGRESS, labels.get(INGRESS_NAMESPACE, ""), labels[INGRESS_NAME])]


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Ingress and its Routes."""
    ingress = snapshot.get(ref)
    if ingress is None:
        return None
    marks = {INGRESS_NAME: ref.name, INGRESS_NAMESPACE: ref.namespace}
    return World(ingress=ingress, routes=tuple(ref_of(r) for r in snapshot.list(ROUTE, None, marks)))


CONTROLLER: Controller[World] = Controller(
    name="serverless-ingress",
    kind=INTERNAL_INGRESS,
    wakes={ROUTE: _ingress_of},
    observe=observe,
    plan=plan,
    finalize=finalize,
)
