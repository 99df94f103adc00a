"""What the control plane says about ports and start order reaches the pods; without it they fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from stage import INJECT, OUT, A, Room, ready, service

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
STRANGER = f"{OUT}/client"
DRAIN_PORT, USER_PORT = 8022, 8012


def revision(name: str) -> dict[str, Any]:
    """A Knative Service as the document writes it, with one pod that stays."""
    notes = {
        "sidecar.istio.io/inject": "true",
        "sidecar.istio.io/rewriteAppHTTPProbers": "true",
        "autoscaling.knative.dev/min-scale": "1",
    }
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": A},
        "spec": {
            "template": {
                "metadata": {"annotations": notes},
                "spec": {"containers": [{"image": "hauberk.local/helloworld"}]},
            }
        },
    }


@contextmanager
def serving(room: Room, name: str) -> Iterator[dict[str, Any]]:
    """The Service's pod, Running."""
    made = revision(name)
    try:
        room.apply(made)
        selector = ("-l", f"serving.knative.dev/service={name}")

        def running() -> Any:
            pods = room.cluster.json("pods", "-n", A, *selector)["items"]
            return next((p for p in pods if (p.get("status") or {}).get("phase") == "Running"), None)

        yield eventually(running, within_s=20, what="a pod of the revision")
    finally:
        room.delete(made)


def excluded(ports: list[int]) -> dict[str, Any]:
    return {"proxy": {"networking": {"trafficControl": {"inbound": {"excludedPorts": ports}}}}}


def reached(room: Room, pod: dict[str, Any], port: int) -> bool:
    """Whether a stranger's plaintext gets an HTTP answer of that port."""
    return room.curl(STRANGER, f"http://{pod['status']['podIP']}:{port}/").status != 0


def test_the_excluded_drain_port_is_open_to_the_kubelet_and_the_others_are_not(room: Room) -> None:
    with serving(room, "with") as pod:
        room.soon(lambda: reached(room, pod, DRAIN_PORT), True)
        assert not reached(room, pod, USER_PORT)
        name = pod["metadata"]["name"]
        room.cluster.must("delete", "pod", name, "-n", A, "--wait=false")
        room.soon(lambda: "Killing" in room.events(A, name), True)
        assert "FailedPreStopHook" not in room.events(A, name)


def test_without_the_excluded_port_the_kubelets_pre_stop_is_refused_and_told(room: Room) -> None:
    with room.control_plane(excluded([8444]), excluded([8444, 8022])), serving(room, "without") as pod:
        room.soon(lambda: "istio-proxy" in json.dumps(pod["spec"]), True)
        assert not reached(room, pod, DRAIN_PORT)
        name = pod["metadata"]["name"]
        room.cluster.must("delete", "pod", name, "-n", A, "--wait=false")
        room.soon(lambda: "FailedPreStopHook" in room.events(A, name), True)


def test_the_mesh_wide_default_holds_every_application_back(room: Room) -> None:
    def config(value: bool | None) -> dict[str, Any]:
        return {"techPreview": {"meshConfig": {"defaultConfig": {"holdApplicationUntilProxyStarts": value}}}}

    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "held", "namespace": A, "labels": dict(INJECT)},
        "spec": {"containers": [{"name": "app", "image": "hauberk.local/curl"}]},
    }
    with room.control_plane(config(True), config(None)):
        try:
            room.apply(pod)
            names = [c["name"] for c in room.cluster.json("pod", "held", "-n", A)["spec"]["containers"]]
            assert names == ["istio-proxy", "app"]
        finally:
            room.cluster.run("delete", "pod", "held", "-n", A, "--grace-period=0", "--force")


def on_8444(name: str) -> dict[str, Any]:
    """A pod of the mesh whose application answers on 8444, and that excludes nothing by itself."""
    app = {
        "name": "app",
        "image": "hauberk.local/curl",
        "command": ["python3", "-m", "http.server", "8444"],
    }
    meta = {"name": name, "namespace": A, "labels": {**INJECT, "app": name}}
    spec = {"containers": [app], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def test_8444_is_open_to_strangers_as_long_as_the_control_plane_excludes_it(room: Room) -> None:
    with room.rules(on_8444("open-8444")):
        ready(room.cluster, A, "open-8444")
        pod = room.cluster.json("pod", "open-8444", "-n", A)
        room.soon(lambda: reached(room, pod, 8444), True)
    with room.control_plane(excluded([8022]), excluded([8444, 8022])), room.rules(on_8444("shut-8444")):
        ready(room.cluster, A, "shut-8444")
        pod = room.cluster.json("pod", "shut-8444", "-n", A)
        front = service(A, "shut-8444", {"http": (8444, 8444)})
        with room.rules(front):
            room.soon(lambda: room.curl(f"{A}/client", "http://shut-8444:8444/").status, 200, "from a member")
            assert not reached(room, pod, 8444), "plaintext"
            https = f"https://{pod['status']['podIP']}:8444/"
            assert room.curl(STRANGER, https, "-k").status == 0, "TLS without a certificate of the mesh"
