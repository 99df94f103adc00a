"""From one ServiceMeshMember to its status, and to the roll when there is none. Pure.

Source: maistra/istio-operator pkg/controller/servicemesh/member/controller.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, is_deleting, labels_of
from hauberk.engine.plan import Plan
from hauberk.kinds.maistra.member_roll import ROLL_NAME
from hauberk.operators.membership import joins
from hauberk.operators.names import CREATED_BY, MEMBER_OF
from hauberk.operators.objects import make


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one member may depend on."""

    member: Json
    namespace: Json | None
    smcp: Json | None  # the control plane it refers to, by name
    roll: Json | None
    belongs_to: str  # the mesh this namespace is in by a roll, "" for none


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Make the mesh's roll when it has none, and say whether the namespace is in."""
    ref = world.member["spec"]["controlPlaneRef"]
    parts = _conditions(world)
    status = {
        "annotations": {"controlPlaneRef": f"{ref['namespace']}/{ref['name']}"},
        "conditions": [c.as_json() for c in parts],
    }
    others: tuple[Json, ...] = ()
    if world.roll is None and world.smcp is not None and not is_deleting(world.member):
        marks = {CREATED_BY: "ServiceMeshMember controller"}
        others = (
            make(
                "maistra.io/v1",
                "ServiceMeshMemberRoll",
                ROLL_NAME,
                ref["namespace"],
                annotations=marks,
                spec={"members": []},
            ),
        )
    return Plan(others=others, status=status)


def _conditions(world: World) -> list[Condition]:
    mesh = joins(world.member)
    if world.smcp is None:
        text = (
            f"ServiceMeshControlPlane {mesh}/{world.member['spec']['controlPlaneRef']['name']} does not exist"
        )
        reason = "SMCPNotFound"
    elif world.belongs_to != mesh:
        text = f"the namespace belongs to the mesh in {world.belongs_to}"
        reason = "ReferencesDifferentControlPlane"
    elif world.namespace is None or labels_of(world.namespace).get(MEMBER_OF) != mesh:
        reason, text = "ReconcileError", "The namespace is not labelled yet"
    else:
        return [Condition("Reconciled", "True"), Condition("Ready", "True")]
    return [Condition(name, "False", reason, text) for name in ("Reconciled", "Ready")]
