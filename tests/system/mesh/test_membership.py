"""The member roll decides what is in the mesh; two control planes are two meshes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from stage import INJECT, OUT, A, Room, account, actor, istio, join, leave, namespace, ready, scripts, service

pytestmark = pytest.mark.system
SECOND, THEIRS, GUEST = "m-plane-2", "m-theirs", "m-guest"


def roll(room: Room, where: str = "istio-system") -> dict[str, Any]:
    found: dict[str, Any] = room.cluster.json("smmr", "default", "-n", where)
    return found["status"]


def test_a_member_that_does_not_exist_is_pending_until_it_does(room: Room) -> None:
    members = room.cluster.json("smmr", "default", "-n", "istio-system")["spec"]["members"]
    try:
        _set(room, [*members, GUEST])
        room.soon(lambda: GUEST in roll(room)["pendingMembers"], True)
        assert GUEST not in roll(room)["configuredMembers"]
        room.apply(namespace(GUEST))
        room.soon(lambda: GUEST in roll(room)["configuredMembers"], True)
        labels = room.cluster.json("namespace", GUEST)["metadata"]["labels"]
        assert labels["maistra.io/member-of"] == "istio-system"
    finally:
        _set(room, members)
        room.cluster.run("delete", "namespace", GUEST, "--wait=false", "--ignore-not-found")


def _set(room: Room, members: list[str]) -> None:
    patch = json.dumps({"spec": {"members": members}})
    room.cluster.must("patch", "smmr", "default", "-n", "istio-system", "--type=merge", "-p", patch)


@pytest.fixture(scope="module")
def second(room: Room) -> Iterator[None]:
    """A second control plane with one member, whose pods serve and ask as the first mesh's do."""
    room.apply(namespace(SECOND), namespace(THEIRS))
    plane = {
        "apiVersion": "maistra.io/v2",
        "kind": "ServiceMeshControlPlane",
        "metadata": {"name": "other", "namespace": SECOND},
        "spec": {"security": {"dataPlane": {"mtls": True}}, "gateways": {"enabled": False}},
    }
    their_roll = {
        "apiVersion": "maistra.io/v1",
        "kind": "ServiceMeshMemberRoll",
        "metadata": {"name": "default", "namespace": SECOND},
        "spec": {"members": [THEIRS]},
    }
    try:
        room.apply(plane, their_roll)
        room.soon(lambda: roll(room, SECOND).get("configuredMembers"), [THEIRS])
        room.apply(
            scripts(THEIRS),
            account(THEIRS, "friend"),
            actor(THEIRS, "client", labels={**INJECT, "app": "theirs"}),
            service(THEIRS, "theirs", {"http": (80, 8080)}),
        )
        ready(room.cluster, THEIRS, "client")
        yield
    finally:
        room.cluster.run("delete", "smmr,smcp", "--all", "-n", SECOND, "--wait=false")
        room.cluster.run("delete", "namespace", SECOND, THEIRS, "--wait=false", "--ignore-not-found")


@pytest.mark.usefixtures("second")
def test_a_namespace_belongs_to_one_roll_at_most(room: Room) -> None:
    patch = json.dumps({"spec": {"members": [THEIRS, A]}})
    refused = room.cluster.run("patch", "smmr", "default", "-n", SECOND, "--type=merge", "-p", patch)
    assert not refused.ok
    assert "one or more members are already defined in another ServiceMeshMemberRoll" in refused.err


@pytest.mark.usefixtures("second")
def test_each_mesh_has_only_its_own_services_and_rules(room: Room) -> None:
    mine, theirs = f"{A}/client", f"{THEIRS}/client"
    assert room.curl(theirs, "http://theirs").status == 200
    assert room.curl(mine, f"http://theirs.{THEIRS}").status != 200, (
        "plaintext, for the other mesh is unknown"
    )
    assert room.curl(theirs, f"http://web.{A}").status != 200
    rule = {"hosts": [f"theirs.{THEIRS}.svc.cluster.local"], "http": [{"directResponse": {"status": 418}}]}
    with room.rules(istio("VirtualService", THEIRS, "tea", rule)):
        room.soon(lambda: room.curl(theirs, "http://theirs").status, 418)
        assert room.curl(mine, f"http://theirs.{THEIRS}").status != 418


@pytest.mark.usefixtures("second")
def test_a_policy_of_one_root_binds_only_its_own_mesh(room: Room) -> None:
    deny = istio("AuthorizationPolicy", SECOND, "nobody", {})
    with room.rules(deny):
        room.soon(lambda: room.curl(f"{THEIRS}/client", "http://theirs").status, 403)
        assert room.curl(f"{A}/client", f"http://web.{A}").status == 200


def test_a_namespace_that_leaves_the_roll_loses_the_mesh(room: Room) -> None:
    room.apply(namespace(GUEST))
    join(room.cluster, GUEST)
    pod = actor(GUEST, "guest", labels={**INJECT, "app": "guest"})
    room.apply(scripts(GUEST), pod, service(GUEST, "guest", {"http": (80, 8080)}))
    try:
        ready(room.cluster, GUEST, "guest")
        room.soon(lambda: room.curl(f"{A}/client", f"http://guest.{GUEST}").status, 200)
        assert room.curl(f"{OUT}/client", f"http://guest.{GUEST}").status == 0
        leave(room.cluster, GUEST)
        room.soon(
            lambda: (
                "maistra.io/member-of" in room.cluster.json("namespace", GUEST)["metadata"].get("labels", {})
            ),
            False,
        )
        room.soon(lambda: GUEST in roll(room)["configuredMembers"], False)
        room.cluster.must("delete", "pod", "guest", "-n", GUEST, "--grace-period=0", "--force")
        warned = room.apply(pod)
        assert "belongs to no mesh" in warned
        stored = room.cluster.json("pod", "guest", "-n", GUEST)
        assert [c["name"] for c in stored["spec"]["containers"]] == ["actor"]
    finally:
        leave(room.cluster, GUEST)
        room.cluster.run("delete", "namespace", GUEST, "--wait=false", "--ignore-not-found")
