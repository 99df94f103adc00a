from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Json
from hauberk.operators.member_roll.plan import World, plan
from hauberk.operators.membership import mesh_of, wanted_members
from hauberk.testing.memory_api import MemoryApi

ROLL: dict[str, Any] = {"metadata": {"name": "default", "namespace": "istio-system"}, "spec": {}}
SMCP: dict[str, Any] = {"metadata": {"name": "basic"}, "status": {"observedGeneration": 3}}


def ns(name: str, mesh: str = "") -> dict[str, Any]:
    labels = {"maistra.io/member-of": mesh} if mesh else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@pytest.mark.parametrize(
    ("smcp", "namespaces", "status", "reason", "configured"),
    [
        (None, {"a": ns("a", "istio-system")}, "False", "ErrSMCPMissing", []),
        (SMCP, {}, "False", "ReconcileError", []),
        (SMCP, {"a": ns("a")}, "False", "ReconcileError", []),
        (SMCP, {"a": ns("a", "istio-system")}, "True", "Configured", ["a"]),
    ],
)
def test_members_fold_into_ready(
    smcp: Json | None, namespaces: dict[str, Any], status: str, reason: str, configured: list[str]
) -> None:
    result = plan(World(roll=ROLL, smcp=smcp, members=("a",), namespaces=namespaces), 0.0).status
    assert result is not None
    assert (result["conditions"][0]["status"], result["conditions"][0]["reason"]) == (status, reason)
    assert result["configuredMembers"] == configured
    assert result["pendingMembers"] == [n for n in ("a",) if n not in configured]


def test_a_namespace_that_does_not_exist_says_so() -> None:
    result = plan(World(roll=ROLL, smcp=SMCP, members=("gone",), namespaces={}), 0.0).status
    assert result is not None
    assert result["memberStatuses"][0]["conditions"][0]["reason"] == "NamespaceNotExists"


def stored(*objs: dict[str, Any]) -> Any:
    api = MemoryApi()
    api.seed(*objs)
    return api.snapshot()


def roll(mesh: str, *members: str) -> dict[str, Any]:
    metadata = {"name": "default", "namespace": mesh}
    spec = {"members": list(members)}
    return {
        "apiVersion": "maistra.io/v1",
        "kind": "ServiceMeshMemberRoll",
        "metadata": metadata,
        "spec": spec,
    }


def member(namespace: str, mesh: str) -> dict[str, Any]:
    metadata = {"name": "default", "namespace": namespace}
    spec = {"controlPlaneRef": {"name": "basic", "namespace": mesh}}
    return {"apiVersion": "maistra.io/v1", "kind": "ServiceMeshMember", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("objs", "namespace", "mesh"),
    [
        ((roll("m", "a"),), "a", "m"),
        ((roll("m", "a"),), "b", None),
        ((roll("m", "*"),), "anything", "m"),
        ((roll("m", "*"),), "openshift-ingress", None),
        ((roll("m", "*"),), "m", None),
        ((member("a", "m"),), "a", "m"),
        ((roll("first", "a"), member("a", "second")), "a", "first"),
    ],
)
def test_a_namespace_has_one_mesh(objs: tuple[dict[str, Any], ...], namespace: str, mesh: str | None) -> None:
    assert mesh_of(stored(*objs), namespace) == mesh


def test_wanted_members_are_those_of_the_roll_and_those_that_ask() -> None:
    snapshot = stored(roll("m", "b"), member("a", "m"), member("c", "other"))
    assert wanted_members(snapshot, "m") == ("a", "b")
    everything = stored(roll("m", "*"), ns("m"), ns("a"), ns("kube-system"))
    assert wanted_members(everything, "m") == ("a",)
