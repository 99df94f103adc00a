"""Copies of certificates beside the gateways: gone once no Ingress needs them.

A copy cannot be owned by an Ingress of another namespace, so it is looked after by its labels.
Source: knative-extensions/net-istio pkg/reconciler/ingress/ingress.go, reconcileDeletion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, is_deleting, labels_of, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.ports import Snapshot
from hauberk.serving.ingress import tls
from hauberk.serving.names import INGRESS, L_ORIGIN_NAME, L_ORIGIN_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A copy, and whether it is one that an Ingress wants."""

    copy: Ref
    wanted: bool


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Look for the Ingress of a copy; None for any other Secret."""
    secret = snapshot.get(ref)
    if secret is None or not (places := _origin(secret)):
        return None
    origin = snapshot.get(Ref("Secret", *places))
    names = [
        tls.copy_name(i, origin)
        for i in snapshot.list(INGRESS)
        if origin is not None and not is_deleting(i) and places in {tls.origin(i, r) for r in tls.rows_of(i)}
    ]
    return World(copy=ref, wanted=ref.name in names)


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Take a copy away that nobody wants."""
    return Plan() if world.wanted else Plan(gone=(world.copy,))


def _origin(secret: Json) -> tuple[str, str] | None:
    labels = labels_of(secret)
    if L_ORIGIN_NAME not in labels or L_ORIGIN_NAMESPACE not in labels:
        return None
    return labels[L_ORIGIN_NAMESPACE], labels[L_ORIGIN_NAME]


def wake_for_ingress(ingress: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The copies of an Ingress's certificates."""
    for row in tls.rows_of(ingress):
        home, name = tls.origin(ingress, row)
        labels = {L_ORIGIN_NAME: name, L_ORIGIN_NAMESPACE: home}
        yield from map(ref_of, snapshot.list("Secret", None, labels))


def wake_for_origin(secret: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The copies of a Secret."""
    meta = secret["metadata"]
    labels = {L_ORIGIN_NAME: meta["name"], L_ORIGIN_NAMESPACE: meta["namespace"]}
    yield from map(ref_of, snapshot.list("Secret", None, labels))


CONTROLLER: Controller[World] = Controller(
    name="certificate-copies",
    kind="Secret",
    wakes={INGRESS: wake_for_ingress, "Secret": wake_for_origin},
    observe=observe,
    plan=plan,
)
