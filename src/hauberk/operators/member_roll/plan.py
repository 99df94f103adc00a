"""From one ServiceMeshMemberRoll to its status. Pure.

Source: maistra/istio-operator pkg/controller/servicemesh/memberroll/controller.go (status).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, labels_of
from hauberk.engine.plan import Plan
from hauberk.operators.names import MEMBER_OF


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one roll may depend on."""

    roll: Json
    smcp: Json | None
    members: tuple[str, ...]  # wanted, sorted; some may not exist
    namespaces: Mapping[str, Json]  # those of `members` that exist


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Say which members are configured and which are awaited."""
    statuses = [_member(world, name) for name in world.members]
    configured = [s["namespace"] for s in statuses if s["conditions"][0]["status"] == "True"]
    pending = [name for name in world.members if name not in configured]
    smcp_status = (world.smcp or {}).get("status") or {}
    status: dict[str, Any] = {
        "annotations": {"configuredMemberCount": f"{len(configured)}/{len(world.members)}"},
        "conditions": [_ready(world, pending).as_json()],
        "configuredMembers": configured,
        "members": list(world.members),
        "memberStatuses": statuses,
        "pendingMembers": pending,
    }
    if world.smcp is not None:
        status["meshGeneration"] = smcp_status.get("observedGeneration", 0)
        status["meshReconciledVersion"] = smcp_status.get("reconciledVersion", "")
    return Plan(status=status)


def _ready(world: World, pending: list[str]) -> Condition:
    """Fold the members into one condition.

    | control plane | pending | Ready                 |
    |---------------|---------|-----------------------|
    | none          | any     | False, ErrSMCPMissing |
    | one           | some    | False, ReconcileError |
    | one           | none    | True, Configured      |
    """
    if world.smcp is None:
        text = "No ServiceMeshControlPlane exists in the namespace"
        return Condition("Ready", "False", "ErrSMCPMissing", text)
    if pending:
        text = f"The following namespaces are not yet configured: [{' '.join(pending)}]"
        return Condition("Ready", "False", "ReconcileError", text)
    return Condition("Ready", "True", "Configured", "All namespaces have been configured successfully")


def _member(world: World, name: str) -> dict[str, Any]:
    namespace = world.namespaces.get(name)
    mesh = world.roll["metadata"]["namespace"]
    if namespace is None:
        text = f"Namespace {name} does not exist"
        row = Condition("Reconciled", "False", "NamespaceNotExists", text)
    elif world.smcp is None:
        row = Condition("Reconciled", "False", "ErrSMCPMissing", "")
    elif labels_of(namespace).get(MEMBER_OF) != mesh:
        row = Condition("Reconciled", "False", "ReconcileError", "The namespace is not labelled yet")
    else:
        row = Condition("Reconciled", "True")
    return {"namespace": name, "conditions": [row.as_json()]}
