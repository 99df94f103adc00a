"""Pods as a kubectl user sees them: containers, environment, volumes, probes, ends."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from hauberk.testing.cluster import eventually
from hauberk.testing.space import CURL, Space

pytestmark = pytest.mark.system
Raw = dict[str, Any]

WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
SERVE = "exec python3 -m http.server 8080"
GRPC_HEALTH = """
import socket, struct
def frame(kind, flags, stream, body):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body
def text(name, value):
    return b"\\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
def exact(conn, size):
    data = b""
    while len(data) < size:
        more = conn.recv(size - len(data))
        if not more: raise ConnectionError
        data += more
    return data
door = socket.create_server(("", 8080))
while True:
    conn, _ = door.accept()
    try:
        exact(conn, 24)
        conn.sendall(frame(4, 0, 0, b""))
        while True:
            head = exact(conn, 9)
            exact(conn, int.from_bytes(head[:3], "big"))
            stream = int.from_bytes(head[5:], "big")
            if head[3] == 4 and not head[4]: conn.sendall(frame(4, 1, 0, b""))
            if head[3] == 0 and head[4] & 1:
                conn.sendall(frame(1, 4, stream, b"\\x88" + text(b"content-type", b"application/grpc")))
                conn.sendall(frame(0, 0, stream, b"\\0\\0\\0\\0\\2\\x08\\1"))
                conn.sendall(frame(1, 5, stream, text(b"grpc-status", b"0")))
    except OSError: pass
"""


def container(name: str, script: str, **more: Any) -> Raw:
    return {"name": name, "image": CURL, "command": ["sh", "-c", script], **more}


def statuses(space: Space, pod: str, kind: str = "containerStatuses") -> dict[str, Raw]:
    return {row["name"]: row for row in space.json("pod", pod)["status"].get(kind) or ()}


def restarts(space: Space, pod: str) -> int:
    return sum(row["restartCount"] for row in statuses(space, pod).values())


def is_ready(space: Space, pod: str) -> bool:
    conditions = space.json("pod", pod)["status"].get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def until_described(space: Space, pod: str, told: str) -> None:
    eventually(lambda: told in space.must("describe", "pod", pod), what=told)


def until_restarted(space: Space, pod: str) -> None:
    eventually(lambda: restarts(space, pod) >= 1, what=f"{pod} restarts")


def until_said(space: Space, pod: str, said: str) -> None:
    eventually(lambda: said in space.run("logs", pod, "--tail=1").out, what=f"{pod} says {said}")


def end(space: Space, *pods: str) -> None:
    space.must("delete", "pod", *pods, "--wait=false", "--grace-period=1")


def test_init_containers_run_in_order_before_several_containers_that_share_a_volume(space: Space) -> None:
    mounts = [{"name": "shared", "mountPath": "/shared"}]
    spec = {
        "volumes": [{"name": "shared", "emptyDir": {}}],
        "initContainers": [
            container(f"init-{n}", f"sleep 0.3; echo {n} >> /shared/order", volumeMounts=mounts)
            for n in (1, 2)
        ],
        "containers": [
            container("first", "cat /shared/order; echo hi > /shared/hi", volumeMounts=mounts),
            container(
                "second", "while ! [ -s /shared/hi ]; do sleep 0.1; done; cat /shared/hi", volumeMounts=mounts
            ),
        ],
    }
    space.pod("several", "", spec=spec)
    space.phase("several", "Succeeded")
    assert space.must("logs", "several", "-c", "first") == "1\n2\n"
    assert space.must("logs", "several", "-c", "second") == "hi\n"
    assert space.must("logs", "several", "--all-containers").split() == ["1", "2", "hi"]
    row = space.must("get", "pod", "several", "--no-headers").split()
    assert row[1:3] == ["0/2", "Completed"]


def test_a_native_sidecar_starts_first_and_does_not_keep_the_pod_from_ending(space: Space) -> None:
    mounts = [{"name": "shared", "mountPath": "/shared"}]
    sidecar = container(
        "side", f"sleep 0.3; touch /shared/up; {WAIT}", restartPolicy="Always", volumeMounts=mounts,
        startupProbe={"exec": {"command": ["test", "-e", "/shared/up"]}, "periodSeconds": 1},
    )  # fmt: skip
    spec = {"volumes": [{"name": "shared", "emptyDir": {}}], "initContainers": [sidecar]}
    space.pod(
        "sidecar",
        "ls /shared",
        spec=spec | {"containers": [container("app", "ls /shared", volumeMounts=mounts)]},
    )
    space.phase("sidecar", "Succeeded")
    assert space.must("logs", "sidecar", "-c", "app") == "up\n"


def test_environment_and_volumes_hold_what_the_objects_say(space: Space) -> None:
    space.must("create", "configmap", "settings", "--from-literal=colour=red", "--from-literal=size=9")
    space.must("create", "secret", "generic", "hidden", "--from-literal=word=sesame")
    script = (
        'echo "$COLOUR $WORD $size $POD_IP $CPU $JOINED $MISSING.";'
        " cat /settings/colour /settings/deep/size /hidden/word;"
        " echo; cat /about/labels; echo; cut -d. -f1 /tokens/vault | wc -l; stat -Lc %a /hidden/word;"
        " cat /all/colour /all/word; id -u; test -w /scratch && echo writable; tail -1 /etc/hosts"
    )
    env = [
        {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "hidden", "key": "word"}}},
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
        {"name": "JOINED", "value": "$(COLOUR)-$(WORD)"},
        {"name": "MISSING", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "k", "optional": True}}},
    ]
    token = {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 600}}
    volumes: list[Raw] = [
        {"name": "settings", "configMap": {"name": "settings", "items": [
            {"key": "colour", "path": "colour"}, {"key": "size", "path": "deep/size"}]}},
        {"name": "hidden", "secret": {"secretName": "hidden", "defaultMode": 0o400}},
        {"name": "about", "downwardAPI": {"items": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"name": "tokens", "projected": {"sources": [token]}},
        {"name": "all", "projected": {"sources": [
            {"configMap": {"name": "settings"}}, {"secret": {"name": "hidden"}}]}},
        {"name": "scratch", "emptyDir": {}},
    ]  # fmt: skip
    out = space.said(
        script,
        meta={"labels": {"app": "facts"}},
        spec={"volumes": volumes, "hostAliases": [{"ip": "10.9.8.7", "hostnames": ["elsewhere"]}]},
        env=env,
        envFrom=[{"configMapRef": {"name": "settings"}}],
        resources={"limits": {"cpu": "250m"}},
        volumeMounts=[{"name": v["name"], "mountPath": f"/{v['name']}"} for v in volumes],
    ).splitlines()
    words = out[0].split()
    assert [words[0], words[1], words[2], *words[4:]] == ["red", "sesame", "9", "250", "red-sesame", "."]
    assert words[3].startswith("10.128.")
    assert out[1:] == [
        "red9sesame",
        'app="facts"',
        "1",
        "400",
        "redsesame0",
        "writable",
        "10.9.8.7\telsewhere",
    ]


def test_a_changed_secret_and_config_map_reach_the_running_pod(space: Space) -> None:
    space.must("create", "configmap", "live", "--from-literal=v=old")
    spec = {"volumes": [{"name": "v", "configMap": {"name": "live"}}]}
    script = "while :; do cat /v/v; echo; sleep 0.2; done"
    space.pod(
        "reader",
        script,
        spec={
            **spec,
            "containers": [container("app", script, volumeMounts=[{"name": "v", "mountPath": "/v"}])],
        },
    )
    until_said(space, "reader", "old")
    space.must("patch", "configmap", "live", "-p", '{"data":{"v":"new"}}')
    until_said(space, "reader", "new")
    end(space, "reader")


@pytest.mark.parametrize(("policy", "code", "phase", "again"), [
    ("Never", 0, "Succeeded", False), ("Never", 3, "Failed", False),
    ("OnFailure", 0, "Succeeded", False), ("OnFailure", 3, "Running", True), ("Always", 0, "Running", True),
])  # fmt: skip
def test_restart_policies(space: Space, policy: str, code: int, phase: str, again: bool) -> None:
    name = space.pod(f"end-{policy.lower()}-{code}", f"echo ran; exit {code}", spec={"restartPolicy": policy})
    if again:
        until_restarted(space, name)
        eventually(lambda: "CrashLoopBackOff" in space.must("get", "pod", name), what="back-off")
    else:
        space.phase(name, phase)
        ended = statuses(space, name)["app"]["state"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (code, "Error" if code else "Completed")
        assert restarts(space, name) == 0
    assert space.json("pod", name)["status"]["phase"] == phase
    assert space.must("logs", name).startswith("ran")
    end(space, name)


HANDLERS: dict[str, tuple[str, Raw, Raw]] = {  # server, what holds, what does not
    "http": (SERVE, {"httpGet": {"port": 8080}}, {"httpGet": {"port": 8080, "path": "/nowhere"}}),
    "tcp": (SERVE, {"tcpSocket": {"port": 8080}}, {"tcpSocket": {"port": 9}}),
    "exec": (WAIT, {"exec": {"command": ["true"]}}, {"exec": {"command": ["false"]}}),
    "grpc": (f"exec python3 -c '{GRPC_HEALTH}'", {"grpc": {"port": 8080}}, {"grpc": {"port": 9}}),
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_probes_of_every_handler_hold_and_fail(space: Space, handler: str) -> None:
    server, good, bad = HANDLERS[handler]
    soon = {"periodSeconds": 1, "failureThreshold": 3}
    holds = {
        "startupProbe": {**good, "periodSeconds": 1, "failureThreshold": 20},
        "livenessProbe": {**good, **soon},
        "readinessProbe": {**good, **soon},
    }
    space.pod(f"{handler}-holds", server, **holds)
    space.pod(f"{handler}-unready", server, readinessProbe={**bad, **soon})
    once = {**soon, "failureThreshold": 1}
    space.pod(f"{handler}-dead", server, livenessProbe={**bad, **once}, spec={"restartPolicy": "Always"})
    space.pod(f"{handler}-late", server, startupProbe={**bad, **once}, spec={"restartPolicy": "Always"})
    space.wait(f"pod/{handler}-holds", "condition=Ready")
    for name, probe in (("unready", "Readiness"), ("dead", "Liveness"), ("late", "Startup")):
        until_described(space, f"{handler}-{name}", f"{probe} probe failed")
    for name in ("dead", "late"):
        until_restarted(space, f"{handler}-{name}")
    assert not is_ready(space, f"{handler}-unready")
    assert restarts(space, f"{handler}-unready") == 0
    assert restarts(space, f"{handler}-holds") == 0
    end(space, *(f"{handler}-{name}" for name in ("holds", "unready", "dead", "late")))


def test_pre_stop_runs_first_and_deletion_stays_within_the_grace_period(space: Space) -> None:
    script = "trap 'echo term after $(cat /tmp/hook); exit 0' TERM; echo up; while :; do sleep 0.1; done"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 0.5; echo hook > /tmp/hook"]}}}
    space.pod("polite", script, lifecycle=hook, spec={"terminationGracePeriodSeconds": 10})
    space.pod("stubborn", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    for name in ("polite", "stubborn"):
        until_said(space, name, "up")
    with space.following("polite") as said:
        space.must("delete", "pod", "polite", "--wait=false")
        assert "Terminating" in space.must("get", "pod", "polite")
        assert said.communicate(timeout=8)[0] == "up\nterm after hook\n"
    began = time.monotonic()
    space.must("delete", "pod", "stubborn", "--grace-period=2")
    assert 1.5 < time.monotonic() - began < 6
    space.wait("pod/polite", "delete", within_s=8)


def test_two_containers_share_the_network_and_have_their_own_file_systems(space: Space) -> None:
    spec = {"containers": [
        container("app", "touch /tmp/mine; curl -sf --retry 9 --retry-connrefused localhost:8080"),
        container("web", "cd /tmp; sleep 0.5; ls /tmp/mine; exec timeout 5 python3 -m http.server 8080"),
    ]}  # fmt: skip
    space.pod("shared", "", spec=spec)
    eventually(lambda: statuses(space, "shared")["app"]["state"].get("terminated"), what="the client's end")
    assert statuses(space, "shared")["app"]["state"]["terminated"]["exitCode"] == 0
    assert "No such file" in space.must("logs", "shared", "-c", "web")
    end(space, "shared")


def test_a_pod_reads_its_token_and_the_api_lets_it_discover_only(space: Space) -> None:
    script = (
        "D=/var/run/secrets/kubernetes.io/serviceaccount; ask() { curl -sS --cacert $D/ca.crt "
        '-H "Authorization: Bearer $1" https://kubernetes.default.svc/$2; echo; }; '
        f"T=$(cat $D/token); ask $T api; ask $T api/v1/namespaces/{space.namespace}/pods; ask no api; "
        "curl -sS --cacert $D/ca.crt https://kubernetes.default.svc/api "
        "-H 'x-forwarded-client-cert: Subject=\"CN=system:admin,O=system:masters\"'"
    )
    allowed, forbidden, stranger, liar = (json.loads(line) for line in space.said(script).splitlines())
    assert allowed["kind"] == "APIVersions"
    assert forbidden["message"] == (
        f'pods is forbidden: User "system:serviceaccount:{space.namespace}:default" cannot list resource '
        f'"pods" in API group "" in the namespace "{space.namespace}"'
    )
    assert (stranger["code"], liar["code"]) == (401, 401)
