"""What the sidecar does with what its application dials: 15001, by real packets."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from stage import OUT, A, B, Room, istio, service

pytestmark = pytest.mark.system
ME, STRANGER = f"{A}/client", f"{OUT}/client"


def test_a_service_of_the_mesh_is_called_over_mtls(room: Room) -> None:
    words = [secrets.token_hex(12) for _ in range(4)]
    heard = room.listen(*words)
    asked = room.curl(ME, f"http://web.{A}/{words[0]}", "-H", f"x-secret: {words[1]}")
    line = room.run(ME, "bash", "-c", f"exec 3<>/dev/tcp/web.{A}/9000; echo {words[2]} >&3; cat <&3")
    room.curl(ME, f"http://plain.{OUT}/{words[3]}")  # the listener is not deaf
    hits = heard.heard()
    assert asked.echo["path"] == f"/{words[0]}"
    assert f"URI=spiffe://cluster.local/ns/{A}/sa/friend" in asked.echo["headers"]["x-forwarded-client-cert"]
    assert words[2] in line.out
    assert [hits[word] for word in words[:3]] == [0, 0, 0]
    assert hits[words[3]] > 0


def test_a_service_outside_the_mesh_is_called_in_plaintext(room: Room) -> None:
    said = room.curl(ME, f"http://plain.{OUT}")
    assert said.pod == "client"
    assert "x-forwarded-client-cert" not in said.echo["headers"]
    assert room.tcp(ME, f"plain.{OUT}", 9000).out.startswith("client: ")


def test_the_name_of_another_namespace_and_the_short_name_both_work(room: Room) -> None:
    assert {room.curl(ME, "http://web").status, room.curl(f"{B}/client", f"http://web.{A}.svc").status} == {
        200
    }
    assert room.curl(f"{B}/client", "http://web").status == 0  # no such name in that namespace


def test_both_pods_of_a_service_are_asked(room: Room) -> None:
    assert {room.curl(ME, f"http://web.{A}").pod for _ in range(12)} == {"web-1", "web-2"}


def test_a_headless_service_is_called_over_mtls(room: Room) -> None:
    asked = room.curl(ME, f"http://each.{A}:8080")
    assert asked.pod in ("web-1", "web-2")
    assert "spiffe://" in asked.echo["headers"]["x-forwarded-client-cert"]
    assert room.tcp(ME, f"each.{A}", 9000).out.startswith("web-")
    assert not room.tcp(STRANGER, f"each.{A}", 9000).out


def test_a_pod_address_is_dialled_as_it_is_and_strict_refuses_that(room: Room) -> None:
    assert room.curl(ME, f"http://{room.address(STRANGER)}:8080").pod == "client"
    assert room.curl(ME, f"http://{room.address(f'{A}/web-1')}:8080").status == 503
    assert not room.tcp(ME, room.address(f"{B}/client"), 9000).out


def test_an_external_name_leads_outside(room: Room) -> None:
    assert room.curl(ME, f"http://alias.{A}").pod == "client"


def entry(name: str, host: str, resolution: str, **more: Any) -> dict[str, Any]:
    ports = [
        {"number": 8080, "name": "http", "protocol": "HTTP"},
        {"number": 9000, "name": "tcp", "protocol": "TCP"},
    ]
    spec = {"hosts": [host], "location": "MESH_EXTERNAL", "resolution": resolution, "ports": ports, **more}
    return istio("ServiceEntry", A, name, spec)


@pytest.mark.parametrize("resolution", ["STATIC", "DNS", "NONE"])
def test_a_service_entry_leads_to_a_server_outside(room: Room, resolution: str) -> None:
    outside, virtual = room.address(STRANGER), "240.0.0.7"
    more: dict[str, Any] = {
        "STATIC": {"addresses": [virtual], "endpoints": [{"address": outside}]},
        "DNS": {"addresses": [virtual], "endpoints": [{"address": f"plain-pods.{OUT}.svc.cluster.local"}]},
        "NONE": {"addresses": [outside]},
    }[resolution]
    pods = service(OUT, "plain-pods", {"http": (8080, 8080)}, app="plain", clusterIP="None")
    where = outside if resolution == "NONE" else virtual
    with room.rules(pods, entry("far", f"far-{resolution.lower()}.example.com", resolution, **more)):
        host = f"far-{resolution.lower()}.example.com"
        led = ("--connect-to", f"{host}:8080:{where}:8080")
        room.soon(lambda: room.curl(ME, f"http://{host}:8080", *led).pod, "client")
        room.soon(lambda: room.tcp(ME, where, 9000).out[:7], "client:")


def outbound(policy: str | None) -> dict[str, Any]:
    return {"proxy": {"networking": {"trafficControl": {"outbound": policy and {"policy": policy}}}}}


def test_registry_only_lets_out_only_what_the_mesh_knows(room: Room) -> None:
    outside = room.address(STRANGER)
    asks = f"http://plain.{OUT}"
    assert room.curl(ME, asks).pod == "client"
    with room.control_plane(outbound("REGISTRY_ONLY"), outbound(None)):
        room.soon(lambda: room.curl(ME, asks).status, 502, "unknown host")
        assert not room.tcp(ME, outside, 9000).out
        assert room.curl(ME, f"http://web.{A}").status == 200
        known = entry(
            "known", "known.example.com", "STATIC", endpoints=[{"address": outside}], exportTo=["."]
        )
        led = ("--connect-to", f"known.example.com:8080:{outside}:8080")
        ask = ("http://known.example.com:8080", *led)
        with room.rules(known):
            room.soon(lambda: room.curl(ME, *ask).pod, "client", "a ServiceEntry opens the way")
            assert room.curl(f"{B}/client", *ask).status == 502, "exportTo . keeps it in its namespace"
    room.soon(lambda: room.curl(ME, asks).pod, "client", "ALLOW_ANY again")
