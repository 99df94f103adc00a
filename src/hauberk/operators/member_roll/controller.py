"""Wiring of the ServiceMeshMemberRoll."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.engine.plan import Controller
from hauberk.operators.member_roll.plan import World, plan
from hauberk.operators.membership import control_plane_in, joins, wanted_members
from hauberk.operators.names import CONTROL_PLANE, MEMBER, MEMBER_ROLL
from hauberk.ports import Snapshot


def _all_rolls(_: Json, snapshot: Snapshot) -> Iterable[Ref]:
    return [ref_of(roll) for roll in snapshot.list(MEMBER_ROLL)]


def _roll_of_mesh(smcp: Json, snapshot: Snapshot) -> Iterable[Ref]:
    return [ref_of(roll) for roll in snapshot.list(MEMBER_ROLL, smcp["metadata"]["namespace"])]


def _roll_of_member(member: Json, snapshot: Snapshot) -> Iterable[Ref]:
    return [ref_of(roll) for roll in snapshot.list(MEMBER_ROLL, joins(member))]


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one roll, its mesh and its namespaces."""
    roll = snapshot.get(ref)
    if roll is None:
        return None
    members = wanted_members(snapshot, ref.namespace)
    found = {name: snapshot.get(Ref("Namespace", "", name)) for name in members}
    alive = {name: ns for name, ns in found.items() if ns is not None and not is_deleting(ns)}
    return World(roll=roll, smcp=control_plane_in(snapshot, ref.namespace), members=members, namespaces=alive)


CONTROLLER: Controller[World] = Controller(
    name="member-roll",
    kind=MEMBER_ROLL,
    wakes={"Namespace": _all_rolls, CONTROL_PLANE: _roll_of_mesh, MEMBER: _roll_of_member},
    observe=observe,
    plan=plan,
)
