"""What survives kill -9, and what is left after it."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hauberk.cluster import find, processes
from hauberk.testing.cluster import Cluster, eventually, hauberk, started

pytestmark = pytest.mark.system


def hello_pods(cluster: Cluster) -> list[dict[str, Any]]:
    found = cluster.json("pods", "-n", "default", "-l", "serving.knative.dev/service=hello")["items"]
    return [p for p in found if "deletionTimestamp" not in p["metadata"]]


def ready(pod: dict[str, Any]) -> bool:
    rows = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in rows)


@pytest.fixture
def warm(document: Cluster) -> Cluster:
    """The document's cluster with a ready pod of `hello`."""

    def answered() -> bool:
        ran = document.shell.run(document.stage.curl_line())
        return ran.out.strip() == "Hello Openshift!" and any(ready(p) for p in hello_pods(document))

    eventually(answered, what="a warm pod")
    return document


def test_traffic_flows_while_the_control_plane_is_dead_and_the_next_one_adopts_the_pods(
    warm: Cluster,
) -> None:
    before = {p["metadata"]["uid"]: p for p in hello_pods(warm)}
    warm.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: acknowledged, namespace: default}\n")
    os.kill(find.control_plane(warm.name), signal.SIGKILL)
    assert warm.shell.must(warm.stage.curl_line()).strip() == "Hello Openshift!"
    assert hauberk("up", "--name", warm.name).returncode == 0
    warm.must("get", "configmap", "acknowledged", "-n", "default")
    after = {p["metadata"]["uid"]: p for p in hello_pods(warm)}
    for uid in set(before) & set(after):
        restarts = [c["restartCount"] for c in after[uid]["status"]["containerStatuses"]]
        assert restarts == [c["restartCount"] for c in before[uid]["status"]["containerStatuses"]]
    assert set(before) & set(after)


@pytest.mark.parametrize("container", ["istio-proxy", "user-container"])
def test_a_killed_process_of_a_pod_is_restarted_and_the_pod_is_not_ready_meanwhile(
    warm: Cluster, container: str
) -> None:
    pod = next(p for p in hello_pods(warm) if ready(p))
    os.kill(find.container_pid(warm.name, pod["metadata"]["uid"], container), signal.SIGKILL)

    def restarted() -> Any:
        now = warm.json("pod", pod["metadata"]["name"], "-n", "default")
        counts = {c["name"]: c["restartCount"] for c in now["status"]["containerStatuses"]}
        return counts[container] >= 1 and now

    now = eventually(restarted, what=f"{container} restarts")
    eventually(
        lambda: warm.shell.run(warm.stage.curl_line()).out.strip() == "Hello Openshift!", what="an answer"
    )
    changed = next(c for c in now["status"]["conditions"] if c["type"] == "Ready")["lastTransitionTime"]
    was = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")["lastTransitionTime"]
    assert changed >= was


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of this test alone that keeps its state."""
    name = f"f-{secrets.token_hex(3)}"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    try:
        yield started(name, tmp_path)
    finally:
        hauberk("down", "--name", name, "--purge")


def test_after_kill_9_of_everything_the_next_up_is_clean_and_no_acknowledged_write_is_lost(
    own: Cluster,
) -> None:
    for i in range(20):
        own.must("create", "configmap", f"kept-{i}", "-n", "default")
    keeper = find.keeper(own.name)
    tree = processes.descendants(keeper.pid)
    for pid in tree:
        if processes.find(pid):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(processes.find(pid) for pid in tree), what="nothing runs")
    again = hauberk("up", "--name", own.name)
    assert again.returncode == 0, again.stderr
    names = own.must("get", "configmaps", "-n", "default", "-o", "name").split()
    assert {f"configmap/kept-{i}" for i in range(20)} <= set(names)
    eventually(lambda: own.status()["pods"]["ready"] == own.status()["pods"]["total"], what="every pod ready")


def test_state_survives_down_and_up(own: Cluster) -> None:
    own.must("create", "namespace", "kept")
    assert hauberk("down", "--name", own.name).returncode == 0
    assert hauberk("up", "--name", own.name).returncode == 0
    own.must("get", "namespace", "kept")
