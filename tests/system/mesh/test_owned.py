"""The control plane's own PeerAuthentication: who changes it is told, and until when the change counts."""

from __future__ import annotations

import json

import pytest
from stage import OUT, A, Room, istio

pytestmark = pytest.mark.system
ROOT = "istio-system"
STRANGER = f"{OUT}/client"


def mode(room: Room) -> str:
    return str(room.cluster.json("peerauthentication", "default", "-n", ROOT)["spec"]["mtls"]["mode"])


def note(room: Room, text: str | None) -> None:
    """Change the control plane's resource in a way that changes nothing else."""
    patch = json.dumps({"spec": {"techPreview": {"meshConfig": {"accessLogFile": text}}}})
    room.cluster.must("patch", "smcp", "basic", "-n", ROOT, "--type=merge", "-p", patch)


def test_a_change_by_hand_counts_is_told_and_goes_with_the_next_change_of_the_control_plane(
    room: Room,
) -> None:
    room.soon(lambda: mode(room), "STRICT")
    assert "Overruled" not in room.events(ROOT, "basic")
    before = room.cluster.json("smcp", "basic", "-n", ROOT)["spec"]
    log = ((before.get("techPreview") or {}).get("meshConfig") or {}).get("accessLogFile")
    said = room.apply(istio("PeerAuthentication", ROOT, "default", {"mtls": {"mode": "PERMISSIVE"}}))
    try:
        assert "belongs to ServiceMeshControlPlane basic" in said
        assert "spec.security.dataPlane.mtls" in said
        room.soon(lambda: "Overruled" in room.events(ROOT, "basic"), True)
        room.soon(lambda: room.curl(STRANGER, f"http://web.{A}").status, 200)
        assert mode(room) == "PERMISSIVE"
    finally:
        note(room, "/dev/stdout" if log != "/dev/stdout" else "")
        room.soon(lambda: mode(room), "STRICT", "the control plane's word counts again")
        note(room, log)
    room.soon(lambda: room.curl(STRANGER, f"http://web.{A}").status, 0)
