"""Apps and clients that misbehave: each request ends with upstream's status, or is served."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from hauberk.cluster import find
from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
WARM = {"autoscaling.knative.dev/min-scale": "1"}
SHORT = {"autoscaling.knative.dev/window": "6s"}
APP = Path(__file__).parent / "apps" / "hostile"


@pytest.fixture(scope="module")
def image(mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the app that does as $MODE says."""
    folder = tmp_path_factory.mktemp("hostile") / "app"
    shutil.copytree(APP, folder)
    return str(mesh.image("hostile", folder))


@pytest.mark.must("fault-never")
def test_an_app_that_never_listens_exceeds_its_deadline(mesh: Any, gone: Gone, image: str) -> None:
    gone("never")
    notes = {**WARM, "serving.knative.dev/progress-deadline": "4s"}
    mesh.deploy("never", image, wait=False, notes=notes, env={"MODE": "never"})
    row = mesh.ended("never")
    assert row["reason"] == "RevisionFailed"
    own = mesh.condition(mesh.get("rev", "never-00001"), "Ready")
    assert (own["status"], own["reason"]) == ("False", "ProgressDeadlineExceeded")


@pytest.mark.must("fault-garbage")
@pytest.mark.parametrize("mode", ["garbage", "hangup"])
def test_an_app_that_answers_no_http_is_a_bad_gateway(mesh: Any, gone: Gone, image: str, mode: str) -> None:
    gone(mode)
    host = mesh.deploy(mode, image, notes=WARM, env={"MODE": mode})
    assert mesh.call(host).status == 502


def test_a_response_that_ends_too_early_ends_too_early_for_the_client(
    mesh: Any, gone: Gone, image: str
) -> None:
    gone("half")
    host = mesh.deploy("half", image, notes=WARM, env={"MODE": "half"})
    with pytest.raises(http.client.IncompleteRead) as cut:
        mesh.call(host)
    assert cut.value.partial == b"only this"


@pytest.mark.must("fault-deaf")
def test_an_app_that_ignores_term_serves_to_the_end_and_is_killed(mesh: Any, gone: Gone, image: str) -> None:
    """The grace period of its pod is the time limit of its requests."""
    gone("deaf")
    host = mesh.deploy("deaf", image, notes=WARM, env={"MODE": "deaf"}, spec={"timeoutSeconds": 4})
    (pod,) = mesh.pods("deaf")
    assert pod["spec"]["terminationGracePeriodSeconds"] == 4
    name = pod["metadata"]["name"]
    with mesh.load(host) as load:
        eventually(lambda: sum(load.seen.values()) > 5)
        began = time.monotonic()
        mesh.cluster.must("delete", "pod", name, "-n", "default", "--wait=false")
        eventually(lambda: not mesh.cluster.run("get", "pod", name, "-n", "default").ok, what="its end")
        took = time.monotonic() - began
        eventually(lambda: len(mesh.pods("deaf")) == 1, what="another pod")
    assert not load.lost
    assert {answer[:3] for answer in load.seen} == {"200"}
    assert 3 < took < 12


@pytest.mark.must("fault-dies")
def test_an_app_that_dies_under_load_is_a_502_for_those_it_held_and_is_started_again(
    mesh: Any, gone: Gone, protocols: str
) -> None:
    gone("mortal")
    host = mesh.deploy("mortal", protocols, notes=WARM)
    with mesh.load(host, "/sleep?0.2") as load:
        eventually(lambda: load.seen["200 slept"] > 5)
        assert mesh.call(host, "/exit?1").status == 502
        eventually(lambda: any(k.startswith("502") for k in load.seen) or load.lost, what="their 502")
        (pod,) = mesh.pods("mortal", ready=False)
        eventually(lambda: restarts(mesh, pod) == 1, what="a restart")
        before = load.seen["200 slept"]
        eventually(lambda: load.seen["200 slept"] > before + 8, what="answers again")
    assert not load.lost
    assert {answer[:3] for answer in load.seen} <= {"200", "502", "503"}, load.seen
    assert load.seen["200 slept"] > 13


def restarts(mesh: Any, pod: Any) -> int:
    found = mesh.get("pod", pod["metadata"]["name"])["status"]["containerStatuses"]
    return next(int(c["restartCount"]) for c in found if c["name"] == "user-container")


@pytest.fixture
def cold(mesh: Any, gone: Gone, image: str) -> Iterator[str]:
    """The host of a service without a pod, whose app begins to listen after two seconds."""
    gone("late")
    config = {"spec": {"config": {"autoscaler": {"allow-zero-initial-scale": "true"}}}}
    at = ("patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge", "-p")
    mesh.cluster.must(*at, json.dumps(config))
    notes = {**SHORT, "autoscaling.knative.dev/initial-scale": "0"}
    yield mesh.deploy("late", image, notes=notes, env={"MODE": "late", "DELAY": "2"})
    config["spec"]["config"]["autoscaler"]["allow-zero-initial-scale"] = None  # type: ignore[assignment]
    mesh.cluster.must(*at, json.dumps(config))


@pytest.mark.must("api-hold", "fault-late")
def test_requests_wait_for_an_app_that_listens_late(mesh: Any, cold: str) -> None:
    assert not mesh.pods("late", ready=False)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: mesh.call(cold), range(8)))
    assert {r.status for r in replies} == {200}
    assert {int(r.text) for r in replies} == set(range(1, 9)), "each was served once"
    assert time.monotonic() - began > 2


@pytest.mark.must("api-timeout", "limit-cold")
def test_a_request_that_waits_for_a_first_pod_beyond_the_time_limit_gets_504(
    mesh: Any, gone: Gone, image: str, cold: str
) -> None:
    gone("too-late")
    notes = {**SHORT, "autoscaling.knative.dev/initial-scale": "0"}
    env = {"MODE": "late", "DELAY": "4"}
    host = mesh.deploy("too-late", image, notes=notes, env=env, spec={"timeoutSeconds": 1})
    reply = mesh.call(host)
    assert (reply.status, reply.text) == (504, "activator request timeout")


@pytest.mark.must("fault-clients")
def test_clients_that_vanish_while_they_are_held_leave_nothing(mesh: Any, cold: str) -> None:
    line = f"GET / HTTP/1.1\r\nhost: {cold}\r\n\r\n".encode()
    for _ in range(20):
        with mesh.connect(cold) as sock:
            sock.sendall(line)
    reply = mesh.call(cold)
    assert (reply.status, reply.text) == (200, "1"), "requests of those who left do not reach the app"
    eventually(lambda: not mesh.pods("late", ready=False), within_s=30, what="no pods")


@pytest.mark.must("fault-control-plane")
def test_requests_survive_the_death_of_the_control_plane_that_holds_them(mesh: Any, cold: str) -> None:
    replies: list[Any] = []
    asking = [threading.Thread(target=lambda: replies.append(mesh.call(cold))) for _ in range(4)]
    for thread in asking:
        thread.start()
    time.sleep(0.7)
    dead = find.control_plane(mesh.cluster.name)
    os.kill(dead, signal.SIGKILL)
    for thread in asking:
        thread.join(30)
    assert [r.status for r in replies] == [200] * 4
    eventually(lambda: mesh.cluster.run("get", "ns").ok, what="the API again")
