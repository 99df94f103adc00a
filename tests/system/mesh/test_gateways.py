"""Gateways: every TLS mode, plain HTTP, redirects, ports, conflicts, missing and changing secrets."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from doors import GATE, ME, ROOT, STRANGER, Keys, ask, gateway, route, server, tls_secret
from stage import INJECT, A, Room, actor, istio, ready, service

pytestmark = pytest.mark.system


def test_simple_tls_answers_for_its_hosts_only(room: Room, keys: Keys) -> None:
    gate = gateway("simple", server(443, "HTTPS", "gw-a.example.com", mode="SIMPLE", credentialName="gw-a"))
    with room.rules(gate, route("simple", "gw-a.example.com")):
        room.soon(lambda: ask(room, "https://gw-a.example.com/x", 8443).status, 200)
        said = ask(room, "https://gw-a.example.com/x", 8443).echo["headers"]
        assert said["x-forwarded-client-cert"].count(f"ns/{ROOT}/sa/istio-ingressgateway") == 1
        assert ask(room, "https://gw-b.example.com/", 8443).status == 0, "another name: no certificate for it"
        assert ask(room, "http://gw-a.example.com/", 8443).status == 0, "plaintext on a TLS port"
    gone = ("https://gw-a.example.com/x", 8443, "-m", "2")
    room.soon(lambda: ask(room, *gone).status, 0, "gone with its Gateway")


def test_mutual_tls_demands_a_certificate_of_its_ca(room: Room, keys: Keys) -> None:
    gate = gateway("mutual", server(443, "HTTPS", "gw-m.example.com", mode="MUTUAL", credentialName="gw-m"))
    url = "https://gw-m.example.com/"
    shown = ("--cert", str(keys.folder / "somebody.crt"), "--key", str(keys.folder / "somebody.key"))
    with room.rules(gate, route("mutual", "gw-m.example.com")):
        room.soon(lambda: ask(room, url, 8443, *shown).status, 200)
        assert "CN=somebody" in ask(room, url, 8443, *shown).echo["headers"]["x-forwarded-client-cert"]
        assert ask(room, url, 8443).status == 0
        Keys(room).issue("stranger", "stranger")
        (keys.folder / "gw-ca.crt").write_bytes(keys.chain)
        other = ("--cert", str(keys.folder / "stranger.crt"), "--key", str(keys.folder / "stranger.key"))
        assert ask(room, url, 8443, *other).status == 0


def test_istio_mutual_is_for_members_only(room: Room, keys: Keys) -> None:
    gate = gateway("members", server(8888, "HTTPS", "*", mode="ISTIO_MUTUAL"))
    entry = service(ROOT, "members", {"https": (8888, 8888)}, **{"selector": GATE})
    host = f"members.{ROOT}.svc.cluster.local"
    led = istio(
        "DestinationRule", A, "members", {"host": host, "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}
    )
    entry["spec"]["ports"][0]["name"] = "http2"
    with room.rules(entry, gate, led, route("members", host)):
        room.soon(lambda: room.curl(ME, f"http://{host}:8888").status, 200)
        assert room.curl(STRANGER, f"http://{host}:8888").status == 0
        assert room.curl(STRANGER, f"https://{host}:8888", "-k").status == 0


def test_passthrough_leaves_tls_to_the_application(room: Room, keys: Keys) -> None:
    host = "through.example.com"
    pair = keys.issue("through", host)
    own = tls_secret("through", pair, A)
    app = actor(A, "secure", labels={**INJECT, "app": "secure"}, certificate="through")
    front = service(A, "secure", {"https": (443, 8443)})
    tls = [{
        "match": [{"port": 443, "sniHosts": [host]}],
        "route": [{"destination": {"host": f"secure.{A}.svc.cluster.local", "port": {"number": 443}}}],
    }]  # fmt: skip
    gate = gateway("through", server(443, "TLS", host, mode="PASSTHROUGH"))
    with room.rules(own, app, front, gate, route("through", host, tls=tls)):
        ready(room.cluster, A, "secure")
        room.soon(lambda: ask(room, f"https://{host}/", 8443).pod, "secure")
        assert ask(room, "https://gw-a.example.com/", 8443).status == 0
    room.forget(f"{A}/secure")


def test_plain_http_and_the_redirect_to_https(room: Room, keys: Keys) -> None:
    away = server(80, "HTTP", "away.example.com", httpsRedirect=True)
    gate = gateway("plain", server(80, "HTTP", "plain.example.com"))
    with room.rules(gate, route("plain", "plain.example.com"),
                    gateway("away", away), route("away", "away.example.com")):  # fmt: skip
        room.soon(lambda: ask(room, "http://plain.example.com/", 8080).status, 200)
        assert ask(room, "http://unknown.example.com/", 8080).status == 404
        room.soon(lambda: ask(room, "http://away.example.com/x", 8080).status, 301)
        sent = ask(room, "http://away.example.com/x", 8080, "-D", "-").out
        assert "location: https://away.example.com/x" in sent


def test_the_services_port_leads_to_the_pods_port(room: Room, keys: Keys) -> None:
    extra = service(ROOT, "m-extra", {"http2": (9999, 18099)}, **{"selector": GATE})
    with room.rules(extra, gateway("ported", server(9999, "HTTP", "ported.example.com")),
                    route("ported", "ported.example.com")):  # fmt: skip
        room.soon(lambda: ask(room, "http://ported.example.com/", 18099).status, 200)
        assert ask(room, "http://ported.example.com/", 9999).code == 7, "nobody listens on the Service's port"


def test_of_two_claims_on_a_host_the_older_counts_and_the_younger_is_told(room: Room, keys: Keys) -> None:
    def wild(name: str, credential: str) -> dict[str, Any]:
        return gateway(name, server(8889, "HTTPS", "*", mode="SIMPLE", credentialName=credential))

    with room.rules(wild("first", "gw-a"), route("first", "*")):
        room.soon(lambda: ask(room, "https://gw-a.example.com/", 8889).status, 200)
        time.sleep(1)  # ages are whole seconds
        with room.rules(wild("second", "gw-b")):
            room.soon(lambda: room.accepted("gateway", A, "second")[0], "HostConflict")
            assert f"{A}/first" in room.accepted("gateway", A, "second")[1]
            assert "HostConflict" in room.events(A, "second")
            assert ask(room, "https://gw-a.example.com/", 8889).status == 200


def test_a_missing_secret_is_told_and_served_once_it_is_there_and_changed_when_it_changes(
    room: Room, keys: Keys
) -> None:
    host = "late.example.com"
    gate = gateway("late", server(443, "HTTPS", host, mode="SIMPLE", credentialName="gw-late"))
    first, second = keys.issue("late-1", host), keys.issue("late-2", host)
    pods = room.cluster.json("pods", "-n", ROOT, "-l", "knative=ingressgateway")["items"]
    with room.rules(gate, route("late", host)):
        room.soon(lambda: room.accepted("gateway", A, "late")[0], "InvalidCertificateRef")
        assert "gw-late" in room.events(A, "late")
        assert ask(room, f"https://{host}/", 8443).status == 0
        with room.rules(tls_secret("gw-late", first)):
            room.soon(lambda: ask(room, f"https://{host}/", 8443).status, 200)
            room.soon(lambda: room.accepted("gateway", A, "late")[0], "Applied")
            assert "CN=late-1" in ask(room, f"https://{host}/", 8443, "-v").err.replace(" = ", "=")
            room.apply(tls_secret("gw-late", second))
            room.soon(
                lambda: "CN=late-2" in ask(room, f"https://{host}/", 8443, "-v").err.replace(" = ", "="), True
            )
    after = room.cluster.json("pods", "-n", ROOT, "-l", "knative=ingressgateway")["items"]
    restarts = [p["status"]["containerStatuses"][0]["restartCount"] for p in (*pods, *after)]
    assert restarts == [0] * len(restarts), json.dumps(restarts)
