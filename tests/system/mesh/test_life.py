"""A pod's life behind its sidecar: probes, start order, drain, and ports that stay out of the mesh."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from stage import INJECT, OUT, A, Room, actor, ready, service

pytestmark = pytest.mark.system
ME, STRANGER = f"{A}/client", f"{OUT}/client"
HTTP_PROBE = {"readinessProbe": {"httpGet": {"path": "/status/200", "port": 8080}, "periodSeconds": 1}}
REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"


def shown(room: Room, name: str) -> str:
    """The READY column of `kubectl get pod`."""
    return room.cluster.must("get", "pod", name, "-n", A, "--no-headers").split()[1]


@contextmanager
def pod(room: Room, made: dict[str, Any], *more: dict[str, Any]) -> Iterator[str]:
    """A pod for the length of a block; gives its full name."""
    where, name = made["metadata"]["namespace"], made["metadata"]["name"]
    try:
        room.apply(made, *more)
        yield f"{where}/{name}"
    finally:
        room.delete(*more)
        room.cluster.run(
            "delete", "pod", name, "-n", where, "--grace-period=0", "--force", "--ignore-not-found"
        )
        room.forget(f"{where}/{name}")


def test_an_http_probe_reaches_the_application_under_strict_mtls(room: Room) -> None:
    with pod(room, actor(A, "probed", labels=dict(INJECT), container=HTTP_PROBE)) as name:
        ready(room.cluster, A, "probed")
        assert room.curl(STRANGER, f"http://{room.address(name)}:8080/").status == 0, "and nobody else does"


@pytest.mark.parametrize(
    "probe",
    [
        {"httpGet": {"path": "/status/500", "port": 8080}},
        {"tcpSocket": {"port": 8099}},
    ],
    ids=["http", "tcp"],
)
def test_a_rewritten_probe_fails_where_the_application_fails(room: Room, probe: dict[str, Any]) -> None:
    container = {"readinessProbe": {**probe, "periodSeconds": 1}}
    with pod(room, actor(A, "sick", labels=dict(INJECT), container=container)):
        room.soon(lambda: "Readiness probe failed" in room.events(A, "sick"), True)
        room.soon(lambda: shown(room, "sick"), "1/2", "only the proxy is ready")


def test_without_the_rewrite_a_probe_is_refused_by_strict_mtls_and_the_event_says_so(room: Room) -> None:
    made = actor(A, "naked", labels=dict(INJECT), annotations={REWRITE: "false"}, container=HTTP_PROBE)
    with pod(room, made):
        room.soon(lambda: "Readiness probe failed" in room.events(A, "naked"), True)
        assert "reset" in room.events(A, "naked") or "EOF" in room.events(A, "naked")
        room.soon(lambda: shown(room, "naked"), "1/2", "only the proxy is ready")


def test_a_port_taken_out_of_the_mesh_by_annotation_is_reached_in_plaintext(room: Room) -> None:
    out = {"traffic.sidecar.istio.io/excludeInboundPorts": "7000,8080"}
    front = service(A, "half", {"http": (80, 8080), "tcp-line": (9000, 9000)})
    made = actor(A, "half", labels={**INJECT, "app": "half"}, annotations=out)
    with pod(room, made, front):
        ready(room.cluster, A, "half")
        room.soon(lambda: room.curl(STRANGER, f"http://half.{A}").pod, "half")
        assert not room.tcp(STRANGER, f"half.{A}", 9000).out
        room.soon(lambda: room.tcp(ME, f"half.{A}", 9000).out[:5], "half:")


def first_words(room: Room, name: str) -> str:
    return room.cluster.run("logs", name, "-n", A, "-c", "actor").out


@pytest.mark.parametrize("held", [True, False])
def test_an_application_that_is_held_back_can_dial_at_once(room: Room, held: bool) -> None:
    """Without the hold the first connection comes before the proxy listens."""
    note = {"proxy.istio.io/config": "holdApplicationUntilProxyStarts: true"} if held else {}
    ask = f"curl -sS -m 5 -o /dev/null -w '%{{http_code}}' http://web.{A}; echo \" code=$?\"; sleep 60"
    made = actor(A, "early", labels=dict(INJECT), annotations=note)
    made["spec"]["containers"][0].update(command=["sh", "-c", ask])
    del made["spec"]["containers"][0]["readinessProbe"]
    with pod(room, made):
        names = [c["name"] for c in room.cluster.json("pod", "early", "-n", A)["spec"]["containers"]]
        assert names == (["istio-proxy", "actor"] if held else ["actor", "istio-proxy"])
        room.soon(lambda: "code=" in first_words(room, "early"), True)
        status = room.cluster.json("pod", "early", "-n", A)["status"]["containerStatuses"]
        assert {s["name"] for s in status} == {"actor", "istio-proxy"}
        if held:
            assert "200 code=0" in first_words(room, "early")
        else:
            assert "000 code=7" in first_words(room, "early"), first_words(room, "early")


@pytest.mark.parametrize(("drain", "whole"), [("5s", True), ("500ms", False)])
def test_the_proxy_outlives_the_application_for_requests_under_way(
    room: Room, drain: str, whole: bool
) -> None:
    """The application ignores SIGTERM until its answer is out; only the proxy's drain decides."""
    note = {"proxy.istio.io/config": f"terminationDrainDuration: {drain}"}
    front = service(A, "ending", {"http": (80, 8080)})
    made = actor(
        A,
        "ending",
        labels={**INJECT, "app": "ending"},
        annotations=note,
        container={"command": ["sh", "-c", "trap '' TERM; python3 -u /actor/actor.py"]},
        spec={"terminationGracePeriodSeconds": 8},
    )
    with pod(room, made, front):
        ready(room.cluster, A, "ending")
        room.soon(lambda: room.curl(ME, f"http://ending.{A}").status, 200)
        asked = room.begin(
            ME,
            "curl",
            "-sS",
            "-m",
            "8",
            "-o",
            "/dev/null",
            "-w",
            r"\n%{http_code}",
            f"http://ending.{A}/sleep/3",
        )
        time.sleep(0.5)
        room.cluster.must("delete", "pod", "ending", "-n", A, "--wait=false")
        assert (asked.result(15).status == 200) is whole
