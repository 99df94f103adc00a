"""The autoscaler on real pods: what it measures, what it decides, who is in the path."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
PRE = "autoscaling.knative.dev/"
NARROW = {
    f"{PRE}target": "1",
    f"{PRE}target-utilization-percentage": "100",
    f"{PRE}window": "6s",
}


def scale(mesh: Any, name: str) -> int:
    return int(mesh.get("kpa", f"{name}-00001").get("status", {}).get("desiredScale", -1))


def test_five_slow_requests_at_target_one_are_five_pods_then_none(mesh: Any, gone: Gone) -> None:
    gone("five")
    host = mesh.deploy("five", "autoscale", notes=NARROW)
    with mesh.load(host, "/?sleep=1000", threads=5) as load:
        time.sleep(7)  # a whole window
        steady = []
        for _ in range(5):
            steady.append(scale(mesh, "five"))
            time.sleep(1)
    assert not load.lost
    assert {a[:3] for a in load.seen} == {"200"}
    assert all(4 <= pods <= 7 for pods in steady), steady
    eventually(lambda: not mesh.pods("five"), within_s=30, what="no pods")
    assert mesh.condition(mesh.get("kpa", "five-00001"), "Active")["reason"] == "NoTraffic"


def test_a_service_under_a_constant_trickle_is_never_scaled_to_zero(mesh: Any, gone: Gone) -> None:
    """Short requests, rarely in a pod when it is looked at: their durations keep the last pod."""
    gone("trickle")
    host = mesh.deploy("trickle", notes={f"{PRE}window": "6s"})
    began = time.monotonic()
    while time.monotonic() - began < 16:
        assert mesh.call(host).status == 200
        assert scale(mesh, "trickle") != 0
        time.sleep(1.5)


def test_min_scale_is_there_from_the_start_and_initial_scale_only_at_the_start(mesh: Any, gone: Gone) -> None:
    gone("least", "first")
    mesh.deploy("least", notes={f"{PRE}min-scale": "2"})
    assert len(mesh.pods("least")) == 2
    mesh.deploy("first", notes={f"{PRE}initial-scale": "3"})
    began = mesh.cluster.must("get", "events", "-n", "default", "--field-selector=reason=ScalingReplicaSet")
    assert any("first-00001" in line and "from 0 to 3" in line for line in began.splitlines())
    eventually(lambda: len(mesh.pods("first", ready=False)) < 3, what="fewer pods without traffic")


def test_max_scale_is_never_exceeded(mesh: Any, gone: Gone) -> None:
    gone("most")
    host = mesh.deploy("most", "autoscale", notes={**NARROW, f"{PRE}max-scale": "2"})
    with mesh.load(host, "/?sleep=500", threads=6) as load:
        seen = []
        for _ in range(6):
            seen.append(len(mesh.pods("most", ready=False)))
            time.sleep(0.5)
    assert not load.lost
    assert max(seen) == 2


def test_the_class_hpa_goes_by_what_the_pods_use(mesh: Any, gone: Gone) -> None:
    """Every pod uses more memory than the target: as many pods as may be, never none."""
    gone("heavy")
    notes = {
        f"{PRE}class": "hpa.autoscaling.knative.dev",
        f"{PRE}metric": "memory",
        f"{PRE}target": "1",
        f"{PRE}max-scale": "2",
    }
    mesh.deploy("heavy", notes=notes)
    assert mesh.get("sks", "heavy-00001")["spec"]["mode"] == "Serve"
    eventually(lambda: len(mesh.pods("heavy")) == 2, within_s=40, what="two pods by memory")
    status = mesh.get("hpa", "heavy-00001")["status"]
    assert int(status["currentMetrics"][0]["resource"]["current"]["averageValue"]) > 1 << 20
    assert mesh.condition(mesh.get("hpa", "heavy-00001"), "ScalingActive")["reason"] == "ValidMetricFound"


def activated(mesh: Any, revision: str) -> int:
    """Requests that the activator's Envoy sent to a revision."""
    pods = mesh.cluster.json("pods", "-n", "knative-serving", "-l", "app=activator")["items"]
    paths = mesh.cluster.options.paths
    total = 0
    for pod in pods:
        argv = ["curl", "-s", "--unix-socket", str(paths.proxy_admin(pod["metadata"]["uid"]))]
        ran = mesh.cluster.shell.must(
            [*argv, f"http://x/stats?filter=activator.*{revision}.*upstream_rq_total"]
        )
        total += sum(int(line.rpartition(":")[2]) for line in ran.splitlines())
    return total


@pytest.mark.parametrize(("burst", "mode"), [("0", "Serve"), ("211", "Proxy")])
def test_the_activator_is_in_the_path_only_in_proxy_mode(
    mesh: Any, gone: Gone, burst: str, mode: str
) -> None:
    name = f"burst-{burst}"
    gone(name)
    notes = {f"{PRE}target-burst-capacity": burst, f"{PRE}min-scale": "1"}
    host = mesh.deploy(name, notes=notes)
    eventually(lambda: mesh.get("sks", f"{name}-00001")["spec"]["mode"] == mode, what=mode)
    time.sleep(0.5)
    before = activated(mesh, name)
    for _ in range(5):
        assert mesh.call(host).text == "Hello World!"
    assert activated(mesh, name) - before == (5 if mode == "Proxy" else 0)
