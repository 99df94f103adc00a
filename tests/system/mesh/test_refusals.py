"""What passes validation and Envoy refuses is told on the rule that caused it, and harms no other rule."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from doors import ROOT, Keys, ask, gateway, route, server, tls_secret
from stage import INJECT, A, Room, actor, istio, ready, service

from hauberk.base.problems import Problem
from hauberk.cluster import client, find
from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
ME = f"{A}/client"
BAD = "(?x)a b"  # an expression, but none of RE2; that is known only once Envoy has seen it
REFUSED = "ConfigurationRefused"


def virtual(host: str, reply: int, regex: str = "") -> dict[str, Any]:
    """A VirtualService that answers for a host by itself."""
    said: dict[str, Any] = {"directResponse": {"status": reply}}
    http = [{"match": [{"uri": {"regex": regex}}], **said}] if regex else []
    return istio("VirtualService", A, host.partition(".")[0], {"hosts": [host], "http": [*http, said]})


def status(room: Room, host: str, pod: str = ME) -> int:
    led = ("--connect-to", f"{host}:80:web.{A}:80") if "." in host else ()  # names that DNS does not know
    return room.curl(pod, f"http://{host}/", *led).status


@contextmanager
def pod(room: Room, name: str) -> Iterator[str]:
    """A pod that starts now."""
    made = actor(A, name, labels={**INJECT, "app": name})
    with room.rules(made):
        ready(room.cluster, A, name)
        yield f"{A}/{name}"
    room.forget(f"{A}/{name}")


def refused(room: Room, kind: str, name: str, *words: str) -> None:
    """Wait until the rule says who refused it and why, in its status and by an event."""
    room.soon(lambda: room.accepted(kind, A, name)[0], REFUSED)
    message = room.accepted(kind, A, name)[1]
    assert all(word in message for word in words), message
    room.soon(lambda: f"{REFUSED}: Envoy of" in room.events(A, name), True)


def test_a_changed_rule_keeps_its_last_good_version_and_later_rules_are_heard(room: Room) -> None:
    with room.rules(virtual("keeps.example", 201), virtual("next.example", 202)):
        room.soon(lambda: (status(room, "keeps.example"), status(room, "next.example")), (201, 202))
        room.apply(virtual("keeps.example", 418, BAD))
        refused(room, "virtualservice", "keeps", ME, "RouteConfiguration 80", "invalid", "last good version")
        assert status(room, "keeps.example") == 201
        room.apply(virtual("next.example", 203))
        room.soon(lambda: status(room, "next.example"), 203, "the next rule of the same table")
        with pod(room, "later") as later:
            assert [status(room, h, later) for h in ("keeps.example", "next.example")] == [201, 203]
        room.apply(virtual("keeps.example", 418))
        room.soon(lambda: status(room, "keeps.example"), 418)
        room.soon(lambda: room.accepted("virtualservice", A, "keeps")[0], "Applied")


def test_of_rules_that_come_together_only_the_bad_one_is_left_out(room: Room) -> None:
    good = [virtual(f"good{n}.example", 201) for n in range(4)]
    with room.rules(*good[:2], virtual("poor.example", 201, BAD), *good[2:]):
        refused(room, "virtualservice", "poor", "it is left out")
        room.soon(lambda: [status(room, f"good{n}.example") for n in range(4)], [201] * 4)
        said = [room.accepted("virtualservice", A, f"good{n}")[0] for n in range(4)]
        assert REFUSED not in said


def test_a_gateway_with_an_unknown_cipher_leaves_the_port_to_the_others(room: Room, keys: Keys) -> None:
    def gate(name: str, **more: Any) -> dict[str, Any]:
        tls = {"mode": "SIMPLE", "credentialName": name, **more}
        return gateway(name, server(443, "HTTPS", f"{name}.example.com", **tls))

    def answer(name: str) -> int:
        return ask(room, f"https://{name}.example.com/", 8443, "-m", "2").status

    with room.rules(gate("gw-a"), route("gw-a", "gw-a.example.com")):
        room.soon(lambda: answer("gw-a"), 200)
        odd = gate("odd", cipherSuites=["MADE-UP-CIPHER"])
        odd["spec"]["servers"][0]["tls"]["credentialName"] = "gw-a"
        with room.rules(odd):
            refused(room, "gateway", "odd", f"{ROOT}/istio-ingressgateway", "MADE-UP-CIPHER", "left out")
            assert answer("gw-a") == 200
            with room.rules(gate("gw-b"), route("gw-b", "gw-b.example.com")):
                room.soon(lambda: answer("gw-b"), 200, "a later Gateway of the same port")


def test_a_key_that_is_not_the_certificates_is_told_on_the_gateway_and_the_secret(
    room: Room, keys: Keys
) -> None:
    pair, other = keys.issue("mixed", "mixed.example.com"), keys.issue("other", "other.example.com")
    mixed = tls_secret("mixed", type(pair)(pair.chain, other.key))
    tls = {"mode": "SIMPLE", "credentialName": "mixed"}
    gate = gateway("mixed", server(443, "HTTPS", "mixed.example.com", **tls))
    url = "https://mixed.example.com/"
    with room.rules(mixed, gate, route("mixed", "mixed.example.com")):
        refused(room, "gateway", "mixed", f"{ROOT}/istio-ingressgateway", "Secret mixed")
        room.soon(lambda: REFUSED in room.events(ROOT, "mixed"), True)
        room.apply(tls_secret("mixed", pair))
        room.soon(lambda: ask(room, url, 8443, "-m", "2").status, 200)
        room.soon(lambda: room.accepted("gateway", A, "mixed")[0], "Applied")


def test_a_destination_rule_is_told_and_its_host_alone_is_touched(room: Room) -> None:
    led = {"host": "lone", "trafficPolicy": {"tls": {"mode": "SIMPLE", "sni": "x" * 300}}}
    with room.rules(service(A, "lone", {"http": (80, 8080)}, app="web")):
        room.soon(lambda: status(room, "lone"), 200)
        with room.rules(istio("DestinationRule", A, "lone", led)):
            refused(room, "destinationrule", "lone", ME, "Cluster", "the proxies keep what they have")
            assert [status(room, host) for host in ("lone", "web")] == [200, 200]


def test_the_next_control_plane_knows_what_was_refused_and_what_is_in_force(room: Room) -> None:
    with room.rules(virtual("keeps.example", 201), virtual("next.example", 202)):
        room.soon(lambda: (status(room, "keeps.example"), status(room, "next.example")), (201, 202))
        room.apply(virtual("keeps.example", 418, BAD))
        refused(room, "virtualservice", "keeps", "last good version")
        dead = find.control_plane(room.cluster.name)
        os.kill(dead, signal.SIGKILL)
        eventually(lambda: replaced(room, dead), what="the next control plane")
        with pod(room, "after") as after:
            room.soon(lambda: [status(room, h, after) for h in ("keeps.example", "next.example")], [201, 202])
        assert status(room, "keeps.example") == 201
        assert room.accepted("virtualservice", A, "keeps")[0] == REFUSED


def replaced(room: Room, dead: int) -> bool:
    """Whether another control plane answers."""
    try:
        pid = find.control_plane(room.cluster.name)
    except Problem:
        return False
    return pid != dead and client.is_ready(room.cluster.options.paths.api_socket)
