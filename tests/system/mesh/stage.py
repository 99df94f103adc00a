"""Namespaces in and out of the mesh with pods that serve and ask. The tests talk through `Room`."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hauberk.demo import capture
from hauberk.node import enter
from hauberk.testing.cluster import Cluster, eventually

HERE = Path(__file__).parent
A, B, OUT = "m-a", "m-b", "m-out"  # two member namespaces, and one that is not
INJECT = {"sidecar.istio.io/inject": "true"}
DOOR = {"traffic.sidecar.istio.io/excludeInboundPorts": "7000"}


@dataclass(frozen=True)
class Said:
    """What a program in a pod said."""

    code: int
    out: str
    err: str

    @property
    def status(self) -> int:
        """The HTTP status that curl saw; 0 without an answer."""
        tail = self.out.rsplit("\n", 1)[-1]
        return int(tail) if tail.isdigit() else 0

    @property
    def body(self) -> str:
        """What was answered."""
        return self.out.rpartition("\n")[0]

    @property
    def echo(self) -> dict[str, Any]:
        """What the echo server said about the request."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def pod(self) -> str:
        """Which pod answered with 200; else the status or curl's code in words."""
        if self.status == 200:
            return str(self.echo["pod"])
        return str(self.status) if self.status else f"curl {self.code}"


class Relay:
    """One process on the pod network that carries commands to pods."""

    def __init__(self, cluster: Cluster) -> None:
        argv = enter.argv(cluster.options.paths, None, [sys.executable, "-I", str(HERE / "relay.py")])
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._waiting: dict[int, Future[Said]] = {}
        self._keys = itertools.count()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            key, answer = json.loads(line)
            self._waiting.pop(key).set_result(Said(**answer))

    def run(self, address: str, argv: Iterable[str], seconds: float) -> Future[Said]:
        """Start a command in the pod with that address."""
        key, result = next(self._keys), Future[Said]()
        self._waiting[key] = result
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([key, address, seconds, list(argv)]) + "\n")
        self._process.stdin.flush()
        return result

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass
class Room:
    """A cluster with the stage's pods."""

    cluster: Cluster
    relay: Relay
    _addresses: dict[str, str] = field(default_factory=dict)

    def address(self, pod: str) -> str:
        """The pod's IP; `pod` is NAMESPACE/NAME."""
        if pod not in self._addresses:
            namespace, name = pod.split("/")
            found = self.cluster.json("pod", name, "-n", namespace)
            self._addresses[pod] = found["status"]["podIP"]
        return self._addresses[pod]

    def forget(self, pod: str) -> None:
        """The pod was made anew."""
        self._addresses.pop(pod, None)

    def begin(self, pod: str, *argv: str, seconds: float = 30) -> Future[Said]:
        """Start a program in a pod."""
        return self.relay.run(self.address(pod), argv, seconds)

    def run(self, pod: str, *argv: str, seconds: float = 30) -> Said:
        """Run a program in a pod."""
        return self.begin(pod, *argv, seconds=seconds).result(seconds + 5)

    def curl(self, pod: str, url: str, *more: str) -> Said:
        """Ask for a URL from inside a pod. The last line of `out` is the status."""
        return self.run(pod, "curl", "-sS", "-m", "8", "-w", r"\n%{http_code}", *more, url)

    def tcp(self, pod: str, host: str, port: int) -> Said:
        """Send one line from inside a pod; `out` is the answer."""
        script = f"exec 3<>/dev/tcp/{host}/{port}; echo hello, is anybody there >&3; timeout 5 cat <&3"
        return self.run(pod, "bash", "-c", script)

    def apply(self, *objects: dict[str, Any]) -> str:
        """Apply objects and wait until the proxies have them; returns the warnings."""
        done = self.cluster.run("apply", "-o", "json", "-f", "-", text=yaml.safe_dump_all(objects))
        assert done.ok, done.err
        stored = json.loads(done.out)
        rows = [
            o for o in stored.get("items", [stored]) if o["apiVersion"].partition("/")[0].endswith("istio.io")
        ]
        if rows:
            revision = max(int(o["metadata"]["resourceVersion"]) for o in rows)
            self.cluster.must("get", "--raw", f"/hauberk/v1/acked?revision={revision}")
        return done.err

    @contextmanager
    def rules(self, *objects: dict[str, Any]) -> Iterator[str]:
        """Objects that are there for the length of a block; gives the warnings."""
        try:
            yield self.apply(*objects)
        finally:
            self.delete(*objects)

    @contextmanager
    def control_plane(self, spec: dict[str, Any], after: dict[str, Any]) -> Iterator[None]:
        """The control plane's spec patched for the length of a block; `after` puts it back."""
        patch = ("patch", "smcp", "basic", "-n", "istio-system", "--type=merge", "-p")
        self.cluster.must(*patch, json.dumps({"spec": spec}))
        try:
            yield
        finally:
            self.cluster.must(*patch, json.dumps({"spec": after}))

    def delete(self, *objects: dict[str, Any]) -> None:
        """Delete objects and do not wait for pods to end."""
        self.cluster.run(
            "delete", "--ignore-not-found", "--wait=false", "-f", "-", text=yaml.safe_dump_all(objects)
        )

    def soon(self, look: Callable[[], Any], wanted: Any, what: str = "") -> None:
        """Wait until `look` gives what is wanted: a change reaches the proxies in well under a second."""
        last: list[Any] = [None]

        def holds() -> bool:
            last[0] = look()
            return bool(last[0] == wanted)

        try:
            eventually(holds, within_s=8)
        except AssertionError:
            raise AssertionError(f"{what or 'wanted'}: {wanted!r}, last seen: {last[0]!r}") from None

    def accepted(self, kind: str, namespace: str, name: str) -> tuple[str, str]:
        """(reason, message) of the object's Accepted condition."""
        obj = self.cluster.json(kind, name, "-n", namespace)
        for row in (obj.get("status") or {}).get("conditions") or ():
            if row["type"] == "Accepted":
                return row["reason"], row["message"]
        return "", ""

    def events(self, namespace: str, name: str) -> str:
        """Reasons and messages of an object's events."""
        field_ = f"involvedObject.name={name}"
        found = self.cluster.json("events", "-n", namespace, "--field-selector", field_)["items"]
        return "\n".join(f"{e['reason']}: {e['message']}" for e in found)

    def listen(self, *words: str) -> Listener:
        """Start to count words on the pod network."""
        return Listener(self.cluster, words)


class Listener:
    """A capture of every packet of the pod network."""

    def __init__(self, cluster: Cluster, words: tuple[str, ...]) -> None:
        script = [sys.executable, "-I", str(Path(capture.__file__)), *words]
        argv = enter.argv(cluster.options.paths, None, script)
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "ready"

    def heard(self) -> dict[str, int]:
        """Stop; word → packets that contained it."""
        out, _ = self._process.communicate(timeout=20)
        found: dict[str, int] = json.loads(out)["hits"]
        return found


def actor(
    namespace: str,
    name: str,
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    account: str = "default",
    container: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    certificate: str = "",
) -> dict[str, Any]:
    """A pod that runs `actor.py`."""
    volumes: list[dict[str, Any]] = [{"name": "actor", "configMap": {"name": "actor"}}]
    mounts = [{"name": "actor", "mountPath": "/actor"}]
    if certificate:
        volumes.append({"name": "certs", "secret": {"secretName": certificate}})
        mounts.append({"name": "certs", "mountPath": "/certs"})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels or {},
            "annotations": {**DOOR, **(annotations or {})},
        },
        "spec": {
            "serviceAccountName": account,
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "actor",
                    "image": "hauberk.local/curl",
                    "command": ["python3", "-u", "/actor/actor.py"],
                    "env": [{"name": "NAME", "value": name}],
                    "volumeMounts": mounts,
                    "readinessProbe": {"tcpSocket": {"port": 7000}, "periodSeconds": 1},
                    **(container or {}),
                }
            ],
            "volumes": volumes,
            **(spec or {}),
        },
    }


def service(
    namespace: str, name: str, ports: dict[str, tuple[int, int]], app: str = "", **spec: Any
) -> dict[str, Any]:
    """A Service; `ports` are name → (port, targetPort)."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"app": app or name},
            "ports": [{"name": n, "port": p, "targetPort": t} for n, (p, t) in ports.items()],
            **spec,
        },
    }


def istio(kind: str, namespace: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """An object of Istio's API."""
    group = "security" if kind in ("PeerAuthentication", "AuthorizationPolicy") else "networking"
    return {
        "apiVersion": f"{group}.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def scripts(namespace: str) -> dict[str, Any]:
    """The ConfigMap with `actor.py`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "actor", "namespace": namespace},
        "data": {"actor.py": (HERE / "actor.py").read_text()},
    }


def account(namespace: str, name: str) -> dict[str, Any]:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def namespace(name: str, **metadata: dict[str, str]) -> dict[str, Any]:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}}


WEB_PORTS = {"http": (80, 8080), "tcp-line": (9000, 9000)}


def cast() -> list[dict[str, Any]]:
    """Every object of the stage: `web` (v1, v2) and clients in A, `other` in B, `plain` outside."""
    web = {**INJECT, "app": "web"}
    return [
        *(scripts(n) for n in (A, B, OUT)),
        account(A, "friend"),
        actor(A, "web-1", labels={**web, "version": "v1"}),
        actor(A, "web-2", labels={**web, "version": "v2"}),
        actor(A, "client", labels={**INJECT, "app": "client"}, account="friend"),
        actor(B, "client", labels={**INJECT, "app": "client"}),
        actor(OUT, "client", labels={"app": "plain"}),
        service(A, "web", WEB_PORTS),
        service(A, "each", {"http": (8080, 8080), "tcp-line": (9000, 9000)}, app="web", clusterIP="None"),
        service(OUT, "plain", WEB_PORTS),
        service(A, "alias", {}, type="ExternalName", externalName=f"plain.{OUT}.svc.cluster.local"),
    ]


def join(cluster: Cluster, *names: str) -> None:
    """Put namespaces on the roll, and wait until they are configured."""
    members = cluster.json("smmr", "default", "-n", "istio-system")["spec"]["members"]
    _members(cluster, [*members, *(n for n in names if n not in members)])
    cluster.must("wait", "--for=condition=Ready", "smmr/default", "-n", "istio-system", "--timeout=20s")

    def configured() -> bool:
        status = cluster.json("smmr", "default", "-n", "istio-system")["status"]
        return set(names) <= set(status.get("configuredMembers") or ())

    eventually(configured, within_s=10, what=f"{names} configured")


def leave(cluster: Cluster, *names: str) -> None:
    """Take namespaces off the roll."""
    members = cluster.json("smmr", "default", "-n", "istio-system")["spec"]["members"]
    _members(cluster, [m for m in members if m not in names])


def _members(cluster: Cluster, members: list[str]) -> None:
    patch = json.dumps({"spec": {"members": members}})
    cluster.must("patch", "smmr", "default", "-n", "istio-system", "--type=merge", "-p", patch)


def ready(cluster: Cluster, namespace_: str, *pods: str) -> None:
    """Wait until pods are Ready."""
    cluster.must(
        "wait", "--for=condition=Ready", "-n", namespace_, "--timeout=20s", *(f"pod/{p}" for p in pods)
    )
