"""Pods on a real keeper: what users see when things go well and when they do not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .conftest import Cluster, make_pod, shell

pytestmark = pytest.mark.system
Raw = dict[str, Any]

WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
HELLO = {
    "name": "c",
    "image": "hauberk.local/helloworld",
    "env": [{"name": "TARGET", "value": "Pods"}],
    "ports": [{"containerPort": 8080, "name": "http"}],
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
}


def ready(pod: Raw) -> bool:
    rows = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in rows)


def phase(pod: Raw) -> str:
    return str((pod.get("status") or {}).get("phase"))


def row_of(pod: Raw, name: str = "c") -> Raw:
    status = pod.get("status") or {}
    rows = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    found = [row for row in rows if row["name"] == name]
    return found[0] if found else {"state": {}, "lastState": {}, "restartCount": 0}


def waiting(pod: Raw, name: str = "c") -> str:
    return str(row_of(pod, name)["state"].get("waiting", {}).get("reason", ""))


def reasons(small: Cluster, name: str) -> set[str]:
    return {row["reason"] for row in small.events(name)}


def test_the_sample_becomes_ready_and_is_deleted_without_a_trace(small: Cluster) -> None:
    small.create(make_pod("hello", HELLO))
    pod = small.when("hello", "ready", ready)
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["podIP"].startswith("10.128.")
    assert {"Scheduled", "Pulled", "Created", "Started"} <= reasons(small, "hello")
    small.delete("hello")
    small.eventually("gone", lambda: small.pod("hello") is None)
    uid = pod["metadata"]["uid"]
    small.eventually("no files", lambda: not (small.run / "pods" / uid).exists())
    small.eventually("no logs", lambda: not (small.data / "pods" / uid).exists())


def test_a_crashing_container_is_backed_off_and_its_logs_stay(small: Cluster) -> None:
    small.create(make_pod("crash", shell("echo run; echo sad > /dev/termination-log; exit 3")))
    pod = small.when("crash", "in CrashLoopBackOff", lambda p: waiting(p) == "CrashLoopBackOff")
    row = row_of(pod)
    assert row["restartCount"] == 1  # the first restart is immediate
    assert row["state"]["waiting"]["message"].startswith(
        "back-off 10s restarting failed container=c pod=crash_"
    )
    ended = row["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (3, "Error", "sad")
    assert pod["status"]["phase"] == "Running"
    assert not ready(pod)
    assert small.logs("crash") == "run\n"
    assert small.logs("crash", previous=True) == "run\n"
    assert "BackOff" in reasons(small, "crash")
    small.delete("crash")
    small.eventually("gone", lambda: small.pod("crash") is None)


@pytest.mark.parametrize(
    ("name", "container", "reason", "message"),
    [
        ("noimage", {"image": "hauberk.local/nothing"}, "ErrImagePull", "not one of the built-in images"),
        ("nocommand", {"command": ["/does/not/exist"]}, "RunContainerError", "/does/not/exist"),
        (
            "nosecret",
            {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}]},
            "CreateContainerConfigError",
            'secret "x" not found',
        ),
    ],
)
def test_what_cannot_start_says_why(
    small: Cluster, name: str, container: Raw, reason: str, message: str
) -> None:
    small.create(make_pod(name, {**shell("sleep 1"), **container}))
    seen = small.eventually(
        reason,
        lambda: [h for h in small.history(name) if waiting(h["obj"]) == reason],
    )
    assert message in row_of(seen[0]["obj"])["state"]["waiting"]["message"]
    small.delete(name)
    small.eventually("gone", lambda: small.pod(name) is None)


def test_a_secret_that_appears_lets_the_container_start(small: Cluster) -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "late", "key": "k"}}}]
    small.create(make_pod("late", {**shell(f"echo $X; {WAIT}"), "env": env}))
    small.when("late", "waiting", lambda p: waiting(p) == "CreateContainerConfigError")
    secret = {"metadata": {"name": "late", "namespace": "default"}, "data": {"k": "eWVz"}}
    small.create({"apiVersion": "v1", "kind": "Secret", **secret})
    small.when("late", "ready", ready, timeout_s=5)
    small.eventually("logged", lambda: small.logs("late") == "yes\n")


def test_init_containers_run_in_order_before_the_others(small: Cluster) -> None:
    mount = [{"name": "v", "mountPath": "/v"}]
    pod = make_pod(
        "inits",
        {**shell(f"cat /v/order; {WAIT}"), "volumeMounts": mount},
        initContainers=[
            {**shell("echo one >> /v/order", "a"), "volumeMounts": mount},
            {**shell("echo two >> /v/order", "b"), "volumeMounts": mount},
        ],
        volumes=[{"name": "v", "emptyDir": {}}],
    )
    small.create(pod)
    made = small.when("inits", "ready", ready)
    assert [row_of(made, n)["state"]["terminated"]["reason"] for n in ("a", "b")] == ["Completed"] * 2
    small.eventually("logged", lambda: small.logs("inits") == "one\ntwo\n")
    seen = [h["obj"] for h in small.history("inits")]
    assert any(waiting(p) == "PodInitializing" for p in seen)


def test_a_pod_that_may_not_restart_ends(small: Cluster) -> None:
    small.create(make_pod("done", shell("exit 0"), restartPolicy="Never"))
    small.create(make_pod("fail", shell("exit 1"), restartPolicy="Never"))
    done = small.when("done", "Succeeded", lambda p: phase(p) == "Succeeded")
    fail = small.when("fail", "Failed", lambda p: phase(p) == "Failed")
    conditions = {c["type"]: c for c in done["status"]["conditions"]}
    assert conditions["Ready"]["reason"] == "PodCompleted"
    assert row_of(fail)["state"]["terminated"]["exitCode"] == 1
    for name in ("done", "fail"):
        small.delete(name)
        small.eventually("gone", lambda n=name: small.pod(n) is None)


def test_a_failing_readiness_probe_is_told_and_a_failing_liveness_probe_restarts(small: Cluster) -> None:
    probe = {"exec": {"command": ["/bin/cat", "/tmp/ok"]}, "periodSeconds": 1, "failureThreshold": 1}
    script = f"touch /tmp/ok; sleep 1.5; rm /tmp/ok; {WAIT}"
    small.create(make_pod("unready", {**shell(script), "readinessProbe": probe}))
    small.create(make_pod("unlive", {**shell(script), "livenessProbe": probe}))
    small.when("unready", "ready first", ready)
    pod = small.when("unready", "then not", lambda p: not ready(p))
    condition = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")
    assert condition["reason"] == "ContainersNotReady"
    assert condition["message"] == "containers with unready status: [c]"
    small.when("unlive", "restarted", lambda p: row_of(p)["restartCount"] >= 1)
    said = {row["message"] for row in small.events("unlive")}
    assert "Container c failed liveness probe, will be restarted" in said
    assert any(m.startswith("Liveness probe failed: ") for m in said)


def test_a_changed_config_map_reaches_the_running_pod(small: Cluster) -> None:
    config = {"metadata": {"name": "conf", "namespace": "default"}, "data": {"key": "old"}}
    small.create({"apiVersion": "v1", "kind": "ConfigMap", **config})
    script = "while :; do cat /etc/conf/key; echo; sleep 0.1; done"
    pod = make_pod(
        "conf",
        {**shell(script), "volumeMounts": [{"name": "v", "mountPath": "/etc/conf"}]},
        volumes=[{"name": "v", "configMap": {"name": "conf"}}],
        terminationGracePeriodSeconds=0,
    )
    small.create(pod)
    small.eventually("old", lambda: small.pod("conf") and ready(small.pod("conf") or {}))
    small.eventually("old shown", lambda: "old" in small.logs("conf"))
    small.ask("patch", ref=["ConfigMap", "default", "conf"], patch={"data": {"key": "new"}})
    small.eventually("new shown", lambda: "new" in small.logs("conf"), 5)
    assert row_of(small.pod("conf") or {})["restartCount"] == 0


def test_pre_stop_runs_before_term_and_the_pod_is_not_ready_meanwhile(small: Cluster) -> None:
    hook = {"preStop": {"exec": {"command": ["/bin/sh", "-c", "sleep 1; touch /tmp/hooked"]}}}
    script = "trap 'test -e /tmp/hooked && exit 7; exit 8' TERM; while :; do sleep 0.05; done"
    small.create(make_pod("prestop", {**shell(script), "lifecycle": hook}))
    small.when("prestop", "ready", ready)
    begun = time.monotonic()
    small.delete("prestop")
    pod = small.when("prestop", "not ready at once", lambda p: not ready(p), timeout_s=1)
    assert pod["metadata"]["deletionTimestamp"]
    small.eventually("gone", lambda: small.pod("prestop") is None)
    assert 1 <= time.monotonic() - begun < 4
    last = [h["obj"] for h in small.history("prestop")][-1]
    assert row_of(last)["state"]["terminated"]["exitCode"] == 7


def test_an_app_that_ignores_term_is_killed_at_the_grace_period(small: Cluster) -> None:
    script = "trap '' TERM; while :; do sleep 0.1; done"
    small.create(make_pod("stubborn", shell(script), terminationGracePeriodSeconds=1))
    small.when("stubborn", "ready", ready)
    begun = time.monotonic()
    small.delete("stubborn")
    small.eventually("gone", lambda: small.pod("stubborn") is None)
    assert 0.9 <= time.monotonic() - begun < 4
    last = [h["obj"] for h in small.history("stubborn")][-1]
    assert row_of(last)["state"]["terminated"]["exitCode"] == 137


def test_a_killed_app_is_restarted_and_the_pod_is_not_ready_meanwhile(small: Cluster) -> None:
    small.create(make_pod("killed", shell("exec sleep 98765")))
    small.when("killed", "ready", ready)
    small.kill("sleep 98765")
    small.when("killed", "restarted", lambda p: row_of(p)["restartCount"] == 1 and ready(p))
    seen = [h["obj"] for h in small.history("killed")]
    first = next(i for i, p in enumerate(seen) if ready(p))
    assert any(not ready(p) for p in seen[first:])
    assert row_of(seen[-1])["lastState"]["terminated"]["exitCode"] == 137


def test_running_containers_are_adopted_by_the_next_control_plane(small: Cluster) -> None:
    small.create(make_pod("adopted", shell("exec sleep 87654")))
    small.create(make_pod("meanwhile", shell("exec sleep 76543")))
    before = {n: small.when(n, "ready", ready) for n in ("adopted", "meanwhile")}
    pid = small.processes("sleep 87654")
    small.kill("plane.py")
    small.kill("sleep 76543")  # while nobody looks
    small.when("meanwhile", "restarted", lambda p: row_of(p)["restartCount"] == 1 and ready(p))
    after = small.when("adopted", "ready", ready)
    assert small.processes("sleep 87654") == pid
    assert row_of(after) == row_of(before["adopted"])
    assert after["status"]["podIP"] == before["adopted"]["status"]["podIP"]
    assert row_of(small.pod("meanwhile") or {})["lastState"]["terminated"]["exitCode"] == 137


PROXY = {
    "name": "istio-proxy",
    "image": "hauberk.local/proxyv2",
    "args": ["proxy", "sidecar"],
    "readinessProbe": {"httpGet": {"path": "/healthz/ready", "port": 15021}, "periodSeconds": 1},
    "lifecycle": {"postStart": {"exec": {"command": ["pilot-agent", "wait"]}}},
}
QUEUE = {
    "name": "queue-proxy",
    "image": "hauberk.local/queue",
    "readinessProbe": {"httpGet": {"path": "/", "port": 8012}},
}


def test_proxy_containers_are_one_envoy_that_apps_wait_for_and_that_leaves_last(small: Cluster) -> None:
    script = "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.05; done"
    small.create(make_pod("meshed", PROXY, shell(script), QUEUE))
    pod = small.when("meshed", "ready", ready)
    assert len(small.processes("envoy.json")) == 1
    started = {n: row_of(pod, n)["containerID"] for n in ("istio-proxy", "queue-proxy")}
    assert len(set(started.values())) == 1
    seen = [h["obj"] for h in small.history("meshed")]
    held = [
        p
        for p in seen
        if waiting(p) == "ContainerCreating" and "running" in row_of(p, "istio-proxy")["state"]
    ]
    assert held, "the app waited for the proxy"
    small.kill("envoy.json")
    small.when(
        "meshed", "the Envoy is back", lambda p: row_of(p, "istio-proxy")["restartCount"] == 1 and ready(p)
    )
    seen = [h["obj"] for h in small.history("meshed")]
    assert any(not ready(p) for p in seen[seen.index(pod) :])
    assert row_of(small.pod("meshed") or {})["restartCount"] == 0
    small.delete("meshed")
    small.eventually("gone", lambda: small.pod("meshed") is None)
    last = [h["obj"] for h in small.history("meshed")][-1]
    ends = {n: row_of(last, n)["state"]["terminated"]["finishedAt"] for n in ("c", "istio-proxy")}
    assert ends["c"] <= ends["istio-proxy"]


def test_a_pod_whose_object_vanishes_is_ended(small: Cluster) -> None:
    small.create(make_pod("vanish", shell("exec sleep 65432")))
    small.when("vanish", "ready", ready)
    small.delete("vanish", grace_s=0)
    small.eventually("no process", lambda: not small.processes("sleep 65432"), 5)


def test_a_sidecar_init_container_runs_beside_the_app_and_ends_with_it(small: Cluster) -> None:
    side = {**shell("trap exit TERM; sleep 54321 & wait", "side"), "restartPolicy": "Always"}
    small.create(make_pod("sidecar", shell("sleep 0.5"), initContainers=[side], restartPolicy="Never"))
    small.when("sidecar", "Succeeded", lambda p: phase(p) == "Succeeded")
    small.eventually("no process", lambda: not small.processes("sleep 54321"))
