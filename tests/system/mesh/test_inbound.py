"""Who may connect to a pod of the mesh: PeerAuthentication on every level, and whose certificate counts."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import pytest
from stage import INJECT, OUT, A, B, Room, actor, istio, ready

from hauberk.node import enter
from hauberk.pki.authority import KeyPair
from hauberk.pki.issuing import Issuer, Wanted, authority

pytestmark = pytest.mark.system
ME, STRANGER = f"{A}/client", f"{OUT}/client"
WEB = {"selector": {"matchLabels": {"app": "web"}}}


def peers(where: str, name: str, mode: str, **more: Any) -> dict[str, Any]:
    return istio("PeerAuthentication", where, name, {"mtls": {"mode": mode}, **more})


def plain(room: Room) -> tuple[bool, bool]:
    """Whether a stranger's plaintext reaches `web` by HTTP and by TCP."""
    url = f"http://web.{A}"
    return room.curl(STRANGER, url).status == 200, room.tcp(STRANGER, f"web.{A}", 9000).out.startswith("web")


OPEN, CLOSED = (True, True), (False, False)


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ([], CLOSED),
        ([peers(A, "default", "PERMISSIVE")], OPEN),
        ([peers(A, "default", "PERMISSIVE"), peers(A, "web", "STRICT", **WEB)], CLOSED),
        ([peers(A, "web", "PERMISSIVE", **WEB)], OPEN),
        ([peers(A, "web", "PERMISSIVE", portLevelMtls={"8080": {"mode": "STRICT"}}, **WEB)], (False, True)),
        ([peers(B, "default", "DISABLE")], CLOSED),
    ],
    ids=[
        "control plane's mtls", "namespace", "workload over namespace",
        "workload", "port over workload", "another namespace",
    ],
)  # fmt: skip
def test_plaintext_is_taken_as_the_nearest_rule_says(
    room: Room, rules: list[dict[str, Any]], wanted: tuple[bool, bool]
) -> None:
    with ExitStack() as stack:
        if rules:
            stack.enter_context(room.rules(*rules))
        room.soon(lambda: plain(room), wanted)
        assert inside(room) == OPEN, "who is in the mesh gets in all the same"


def inside(room: Room) -> tuple[bool, bool]:
    """Whether a member's call reaches `web` by HTTP and by TCP."""
    return room.curl(ME, f"http://web.{A}").status == 200, room.tcp(ME, f"web.{A}", 9000).out.startswith(
        "web"
    )


def test_without_mtls_in_the_control_plane_plaintext_is_taken_unless_a_namespace_says_no(room: Room) -> None:
    off, on = ({"security": {"dataPlane": {"mtls": value}}} for value in (False, True))
    with room.control_plane(off, on):
        room.soon(lambda: plain(room), OPEN)
        assert inside(room) == OPEN
        with room.rules(peers(A, "default", "STRICT")):
            room.soon(lambda: plain(room), CLOSED, "the namespace over the mesh")
    room.soon(lambda: plain(room), CLOSED, "strict again")


def test_where_mtls_is_off_members_fail_until_their_rule_says_so_too(room: Room) -> None:
    """The control plane's own DestinationRule demands mTLS of every client, as upstream."""
    off = peers(A, "web", "STRICT", portLevelMtls={"9000": {"mode": "DISABLE"}}, **WEB)
    rule = istio("DestinationRule", A, "web", {"host": "web", "trafficPolicy": {"portLevelSettings": [
        {"port": {"number": 9000}, "tls": {"mode": "DISABLE"}},
        {"port": {"number": 80}, "tls": {"mode": "ISTIO_MUTUAL"}},
    ]}})  # fmt: skip
    with room.rules(off):
        room.soon(lambda: plain(room), (False, True), "only the port without mTLS")
        room.soon(lambda: inside(room), (True, False), "members still speak mTLS to it")
        with room.rules(rule):
            room.soon(lambda: inside(room), OPEN)


def test_permissive_still_speaks_mtls_inside_the_mesh(room: Room) -> None:
    with room.rules(peers(A, "default", "PERMISSIVE")):
        room.soon(lambda: plain(room), OPEN)
        headers = room.curl(ME, f"http://web.{A}").echo["headers"]
        assert "spiffe://" in headers["x-forwarded-client-cert"]
        assert "x-forwarded-client-cert" not in room.curl(STRANGER, f"http://web.{A}").echo["headers"]


def shown(room: Room, issuer: Issuer, *, ago_s: float = 0) -> tuple[str, str]:
    """Files with a certificate in the name of a member's ServiceAccount, issued some time ago for an hour."""
    wanted = Wanted(uris=(f"spiffe://cluster.local/ns/{A}/sa/friend",), life_s=3600)
    pair = issuer.issue(wanted, now=time.time() - ago_s)
    paths = room.cluster.folder / "shown.crt", room.cluster.folder / "shown.key"
    for path, content in zip(paths, (pair.chain, pair.key), strict=True):
        path.write_bytes(content)
    return str(paths[0]), str(paths[1])


def knock(room: Room, certificate: tuple[str, str] | None) -> str:
    """What openssl says after a request over TLS to a pod of the mesh."""
    shown = ["-cert", certificate[0], "-key", certificate[1]] if certificate else []
    where = f"{room.address(f'{A}/web-1')}:8080"
    argv = ["openssl", "s_client", "-connect", where, "-alpn", "istio", "-ign_eof", *shown]
    request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ran = room.cluster.shell.run(
        enter.argv(room.cluster.options.paths, None, argv), text=request, timeout_s=15
    )
    return ran.out + ran.err


def test_only_a_certificate_of_the_mesh_in_its_time_is_taken(room: Room) -> None:
    pki = room.cluster.options.paths.pki
    mesh = Issuer(KeyPair((pki / "mesh.crt").read_bytes(), (pki / "mesh.key").read_bytes()))
    other = Issuer(authority("another", "mesh", now=time.time(), life_s=86_400))
    assert "alert certificate required" in knock(room, None)
    said = knock(room, shown(room, mesh))
    assert "200 OK" in said, said[-600:]
    for issuer, ago_s, alert in ((other, 0, "unknown ca"), (mesh, 7200, "certificate expired")):
        said = knock(room, shown(room, issuer, ago_s=ago_s))
        assert "200 OK" not in said
        assert f"alert {alert}" in said, said[-400:]


def test_a_pod_that_is_not_in_the_service_is_protected_as_well(room: Room) -> None:
    lone = actor(A, "lone", labels=dict(INJECT))
    room.apply(lone)
    try:
        ready(room.cluster, A, "lone")
        where = room.address(f"{A}/lone")
        assert room.curl(STRANGER, f"http://{where}:8080").status == 0
        assert not room.tcp(STRANGER, where, 9000).out
    finally:
        room.delete(lone)
