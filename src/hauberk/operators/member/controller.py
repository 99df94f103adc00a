"""Wiring of the ServiceMeshMember."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller
from hauberk.operators.member.plan import World, plan
from hauberk.operators.membership import joins, mesh_of, roll_in
from hauberk.operators.names import CONTROL_PLANE, MEMBER, MEMBER_ROLL
from hauberk.ports import Snapshot


def _joining(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:
    mesh = changed["metadata"]["namespace"]
    return [ref_of(member) for member in snapshot.list(MEMBER) if joins(member) == mesh]


def _inside(namespace: Json, snapshot: Snapshot) -> Iterable[Ref]:
    return [ref_of(member) for member in snapshot.list(MEMBER, namespace["metadata"]["name"])]


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one member, its namespace, its mesh."""
    member = snapshot.get(ref)
    if member is None:
        return None
    mesh = joins(member)
    name = member["spec"]["controlPlaneRef"]["name"]
    return World(
        member=member,
        namespace=snapshot.get(Ref("Namespace", "", ref.namespace)),
        smcp=snapshot.get(Ref(CONTROL_PLANE, mesh, name)),
        roll=roll_in(snapshot, mesh),
        belongs_to=mesh_of(snapshot, ref.namespace) or "",
    )


CONTROLLER: Controller[World] = Controller(
    name="mesh-member",
    kind=MEMBER,
    wakes={CONTROL_PLANE: _joining, MEMBER_ROLL: _joining, "Namespace": _inside},
    observe=observe,
    plan=plan,
)
