"""Wiring of the ServiceMeshControlPlane."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller
from hauberk.operators.control_plane.plan import World, plan
from hauberk.operators.membership import control_plane_in
from hauberk.operators.names import CONTROL_PLANE, DEPLOYMENT, DESTINATION_RULE, PEER_AUTHENTICATION
from hauberk.ports import Snapshot


def _siblings(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:
    """Other control planes of the namespace: when the first one goes, the next one may be installed."""
    return [ref_of(smcp) for smcp in snapshot.list(CONTROL_PLANE, changed["metadata"]["namespace"])]


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one control plane, its siblings and its Deployments."""
    smcp = snapshot.get(ref)
    if smcp is None:
        return None
    return World(
        smcp=smcp,
        first=control_plane_in(snapshot, ref.namespace) or smcp,
        deployments={d["metadata"]["name"]: d for d in snapshot.list(DEPLOYMENT, ref.namespace)},
        stored={
            ref_of(obj): obj
            for kind in (PEER_AUTHENTICATION, DESTINATION_RULE)
            for obj in snapshot.list(kind, ref.namespace)
        },
    )


CONTROLLER: Controller[World] = Controller(
    name="control-plane",
    kind=CONTROL_PLANE,
    owns=("ConfigMap", "Service", "ServiceAccount", DEPLOYMENT, PEER_AUTHENTICATION, DESTINATION_RULE),
    wakes={CONTROL_PLANE: _siblings},
    observe=observe,
    plan=plan,
)
