"""What survives kill -9, and what is left after it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.cluster import client, find, processes
from hauberk.cluster.options import paths_of
from hauberk.node.enter import inside_pid
from hauberk.testing.cluster import Cluster, eventually, hauberk, started

pytestmark = pytest.mark.system


def hello_pods(cluster: Cluster) -> list[dict[str, Any]]:
    found = cluster.json("pods", "-n", "default", "-l", "serving.knative.dev/service=hello")["items"]
    return [p for p in found if "deletionTimestamp" not in p["metadata"]]


def ready(pod: dict[str, Any]) -> bool:
    rows = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in rows)


def lasting(cluster: Cluster) -> set[str]:
    """The uids of all pods that nobody has told to end."""
    found = cluster.json("pods", "-A")["items"]
    return {p["metadata"]["uid"] for p in found if "deletionTimestamp" not in p["metadata"]}


def processes_of(cluster: Cluster) -> dict[tuple[str, str], int]:
    """(uid of the pod, container) → pid, as the keeper has them."""
    rows = find.ask_keeper(paths_of(cluster.name), "running")
    return {(row["uid"], row["name"]): row["pid"] for row in rows}


@pytest.fixture(scope="module")
def awake(document: Cluster) -> Iterator[Cluster]:
    """The document's cluster whose last pods stay: on a busy machine a fault may outlast a window."""

    def scale_to_zero(value: str | None) -> None:
        patch = {"spec": {"config": {"autoscaler": {"enable-scale-to-zero": value}}}}
        where = ("knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge")
        document.must("patch", *where, "-p", json.dumps(patch))

        def is_set() -> bool:
            data = document.json("configmap", "config-autoscaler", "-n", "knative-serving")["data"]
            return bool(data.get("enable-scale-to-zero") == value)

        eventually(is_set, what=f"enable-scale-to-zero: {value}")

    scale_to_zero("false")
    try:
        yield document
    finally:
        scale_to_zero(None)


@pytest.fixture
def warm(awake: Cluster) -> Cluster:
    """The document's cluster with a ready pod of `hello`."""
    document = awake

    def answered() -> bool:
        ran = document.shell.run(document.stage.curl_line())
        return ran.out.strip() == "Hello Openshift!" and any(ready(p) for p in hello_pods(document))

    eventually(answered, what="a warm pod")
    return document


def replaced(name: str, dead: int) -> bool:
    """Whether the keeper has started another control plane and that one answers."""
    try:
        pid = find.control_plane(name)
    except Problem:
        return False
    return pid != dead and client.is_ready(paths_of(name).api_socket)


def restarts(pod: dict[str, Any]) -> dict[str, int]:
    return {c["name"]: c["restartCount"] for c in pod["status"]["containerStatuses"]}


def test_traffic_flows_while_the_control_plane_is_dead_and_the_next_one_adopts_the_pods(
    warm: Cluster,
) -> None:
    before = {p["metadata"]["uid"]: p for p in hello_pods(warm)}
    lasted, running = lasting(warm), processes_of(warm)
    warm.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: acknowledged, namespace: default}\n")
    dead = find.control_plane(warm.name)
    os.kill(dead, signal.SIGKILL)
    answers = []
    while not replaced(warm.name, dead):
        answers.append(warm.shell.run(warm.stage.curl_line()).out.strip())
    assert set(answers) == {"Hello Openshift!"}
    assert hauberk("up", "--name", warm.name).returncode == 0
    warm.must("get", "configmap", "acknowledged", "-n", "default")
    after = {p["metadata"]["uid"]: p for p in hello_pods(warm)}
    assert set(before) & set(after)
    for uid in set(before) & set(after):
        assert restarts(after[uid]) == restarts(before[uid])
    still = processes_of(warm)
    lasted &= lasting(warm)
    assert set(before) & lasted
    assert {k: pid for k, pid in still.items() if k[0] in lasted} == {
        k: pid for k, pid in running.items() if k[0] in lasted
    }


def test_no_write_that_was_acknowledged_is_lost_with_the_control_plane(own: Cluster) -> None:
    socket = own.options.paths.api_socket
    target = "/api/v1/namespaces/default/configmaps"
    acknowledged: list[str] = []
    dead = find.control_plane(own.name)

    def write_until_it_is_dead() -> None:
        with contextlib.suppress(OSError):
            for i in itertools.count():
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"w-{i}"}}
                status, _ = client.send(socket, "POST", target, json.dumps(body).encode())
                acknowledged.extend([f"w-{i}"] if status == 201 else [])

    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write_until_it_is_dead)
        eventually(lambda: len(acknowledged) > 50, what="writes")
        os.kill(dead, signal.SIGKILL)
        writer.result(timeout=20)
    eventually(lambda: replaced(own.name, dead), what="another control plane")
    kept = {item["metadata"]["name"] for item in client.get_json(socket, target)["items"]}
    assert set(acknowledged) <= kept


@contextlib.contextmanager
def watched(cluster: Cluster, pod: str) -> Iterator[list[tuple[bool, dict[str, int]]]]:
    """Every state of a pod while the block runs, by a watch: (is ready, restarts by container)."""
    seen: list[tuple[bool, dict[str, int]]] = []
    argv = [cluster.kube, "get", "pod", pod, "-n", "default", "--watch", "-o", "json"]
    watch = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, **cluster.shell.env})

    def read() -> None:
        decoder, rest = json.JSONDecoder(), ""
        assert watch.stdout is not None
        for line in watch.stdout:
            rest += line
            if line == "}\n":
                state, _ = decoder.raw_decode(rest)
                seen.append((ready(state), restarts(state)))
                rest = ""

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        eventually(lambda: seen, what="the first state")
        try:
            yield seen
        finally:
            watch.terminate()
            reader.result(timeout=10)
            watch.wait(timeout=10)
            watch.stdout.close() if watch.stdout else None


@pytest.mark.parametrize("container", ["istio-proxy", "user-container"])
def test_a_killed_process_of_a_pod_is_restarted_and_the_pod_is_not_ready_meanwhile(
    warm: Cluster, container: str
) -> None:
    pod = next(p for p in hello_pods(warm) if ready(p))
    name, was = pod["metadata"]["name"], restarts(pod)
    with watched(warm, name) as seen:
        assert seen[0] == (True, was)
        os.kill(find.container_pid(warm.name, pod["metadata"]["uid"], container), signal.SIGKILL)
        eventually(
            lambda: seen[-1][0] and seen[-1][1][container] == was[container] + 1,
            what=f"{container} runs again and the pod is ready",
        )
        states = list(seen)
    first_not_ready = next(i for i, (is_ready, _) in enumerate(states) if not is_ready)
    again = [is_ready for is_ready, count in states if count[container] > was[container]]
    assert first_not_ready <= len(states) - len(again), "not ready no later than the restart is told"
    assert not again[0]
    assert warm.shell.must(warm.stage.curl_line()).strip() == "Hello Openshift!"


def test_a_killed_edge_is_started_again(warm: Cluster) -> None:
    def edge() -> int | None:
        # The only Envoy that is the outside half's own child; the others are below the inside half.
        outside = find.keeper(warm.name).pid
        children = [p for p in processes.pids() if processes.parent(p) == outside]
        return next((p for p in children if any("envoy" in w for w in processes.command_line(p)[:1])), None)

    dead = edge()
    assert dead
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: edge() not in (None, dead), what="another edge")
    eventually(lambda: warm.run("get", "namespaces").ok, what="the API answers")
    assert warm.shell.must(warm.stage.curl_line()).strip() == "Hello Openshift!"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of this test alone that keeps its state."""
    name = f"f-{secrets.token_hex(3)}"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    try:
        yield started(name, tmp_path, "--domain", "kept.example.com")
    finally:
        hauberk("down", "--name", name, "--purge")


def everything(name: str) -> list[int]:
    return processes.descendants(find.keeper(name).pid)


def outside_half(name: str) -> list[int]:
    return [find.keeper(name).pid]


def inside_half(name: str) -> list[int]:
    return [inside_pid(paths_of(name))]


@pytest.mark.parametrize("victims", [everything, outside_half, inside_half])
def test_after_kill_9_of_the_keeper_nothing_is_left_the_next_up_is_clean_and_no_write_is_lost(
    own: Cluster, victims: Callable[[str], list[int]]
) -> None:
    for i in range(20):
        own.must("create", "configmap", f"kept-{i}", "-n", "default")
    tree = everything(own.name)
    for pid in victims(own.name):
        if processes.find(pid):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(processes.find(pid) for pid in tree), what="nothing runs")
    again = hauberk("up", "--name", own.name)
    assert again.returncode == 0, again.stderr
    names = own.must("get", "configmaps", "-n", "default", "-o", "name").split()
    assert {f"configmap/kept-{i}" for i in range(20)} <= set(names)
    eventually(lambda: own.status()["pods"]["ready"] == own.status()["pods"]["total"], what="every pod ready")


def test_state_ports_and_domain_survive_down_and_up(own: Cluster) -> None:
    own.must("create", "namespace", "kept")
    assert hauberk("down", "--name", own.name).returncode == 0
    assert hauberk("up", "--name", own.name).returncode == 0
    own.must("get", "namespace", "kept")
    assert find.running(own.name) == own.options
    assert own.options.domain == "kept.example.com"
