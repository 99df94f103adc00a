"""What the tests of events share: a client in the mesh, a sink that says what it gets, objects."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hauberk.node import enter
from hauberk.testing.cluster import Cluster, eventually, hauberk

NAMESPACE = "default"  # a member of the document's mesh
SYSTEM = "knative-eventing"
LABEL = "test.hauberk.dev/eventing"
INJECT = {"sidecar.istio.io/inject": "true"}
INGRESS = f"broker-ingress.{SYSTEM}.svc.cluster.local"
DISPATCHER = "imc-dispatcher"
MESSAGING, EVENTING = "messaging.knative.dev/v1", "eventing.knative.dev/v1"

SINK = """\
import http.server, sys

class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        fields = {k.lower(): v for k, v in self.headers.items()}
        more = " ".join(f"{k[3:]}={v}" for k, v in sorted(fields.items()) if k.startswith("ce-knativeerror"))
        print("GOT", self.path, fields.get("ce-id"), fields.get("ce-type"), more, flush=True)
        if self.path == "/fail":
            return self.answer(500)
        if self.path == "/reply":
            ce = {"ce-specversion": "1.0", "ce-id": "re-" + fields["ce-id"], "ce-type": "answer"}
            return self.answer(200, {**ce, "ce-source": "sink", "content-type": "text/plain"}, b"yes")
        self.answer(202)

    def answer(self, status, headers={}, body=b""):
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("", 8080), Sink).serve_forever()
"""


@dataclass(frozen=True)
class Room:
    """The document's cluster with a client and a sink in the mesh."""

    cluster: Cluster

    def make(self, api_version: str, kind: str, name: str, **parts: Any) -> None:
        """Create or change an object of the tests."""
        meta: dict[str, Any] = {"name": name, "namespace": NAMESPACE, **parts.pop("metadata", {})}
        meta["labels"] = {LABEL: "true", **meta.get("labels", {})}
        obj = {"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}
        self.cluster.apply(json.dumps(obj))

    def broker(self, name: str, **spec: Any) -> None:
        self.make(EVENTING, "Broker", name, spec=spec)

    def trigger(self, name: str, broker: str, path: str = "/", **spec: Any) -> None:
        self.make(EVENTING, "Trigger", name, spec={"broker": broker, "subscriber": sink(path), **spec})

    def ready(self, kind: str, *names: str) -> None:
        for name in names:
            eventually(
                lambda name=name: self.condition(kind, name) == "True",  # type: ignore[misc]
                within_s=30,
                what=f"{kind} {name} is Ready: {self.conditions(kind, name)}",
            )

    def conditions(self, kind: str, name: str) -> list[Mapping[str, Any]]:
        found = self.cluster.json(kind, name, "-n", NAMESPACE)
        return list((found.get("status") or {}).get("conditions") or ())

    def condition(self, kind: str, name: str, type: str = "Ready") -> str:  # noqa: A002
        return next((str(c["status"]) for c in self.conditions(kind, name) if c["type"] == type), "")

    def send(
        self,
        host: str,
        path: str,
        event: str,
        kind: str = "greeting",
        *,
        pod: str = "ev-client",
        via: str = "",
    ) -> str:
        """Send an event as a pod of the mesh does; the status, or `000` when there was no answer.

        `via` is the Service (of knative-eventing) that the host stands for.
        """
        service = self.cluster.json("svc", via or host.partition(".")[0], "-n", SYSTEM)
        uid = self.cluster.json("pod", pod, "-n", NAMESPACE)["metadata"]["uid"]
        headers = {"id": event, "specversion": "1.0", "type": kind, "source": "test"}
        fields = [word for k, v in headers.items() for word in ("-H", f"ce-{k}: {v}")]
        known = ["--resolve", f"{host}:80:{service['spec']['clusterIP']}"]
        tail = ["-H", "content-type: text/plain", "-d", "hello", f"http://{host}{path}"]
        argv = ["curl", "-s", "-m", "8", "-o", "/dev/null", "-w", "%{http_code}", *known, *fields, *tail]
        ran = self.cluster.shell.run(enter.argv(self.cluster.options.paths, uid, argv), timeout_s=20)
        return ran.out.strip()

    def to_broker(self, broker: str, event: str, kind: str = "greeting", **more: str) -> str:
        return self.send(INGRESS, f"/{NAMESPACE}/{broker}", event, kind, **more)

    def to_channel(self, channel: str, event: str, **more: str) -> str:
        host = f"{channel}-kn-channel.{NAMESPACE}.svc.cluster.local"
        return self.send(host, "/", event, via=DISPATCHER, **more)

    def got(self) -> list[str]:
        """What the sink says: `PATH ID TYPE …`, a line an event."""
        text = self.cluster.must("logs", "deploy/ev-sink", "-n", NAMESPACE, "-c", "c", "--tail=-1")
        return [line[4:].strip() for line in text.splitlines() if line.startswith("GOT ")]

    def until(self, *lines: str, within_s: float = 15) -> None:
        eventually(
            lambda: all(any(g.startswith(line) for g in self.got()) for line in lines),
            within_s=within_s,
            what=f"{lines} in {self.got()}",
        )

    def until_gone(self) -> None:
        kinds = "broker,trigger,subscription,channel.messaging.knative.dev,imc,ksvc,deploy,svc,pod"
        self.cluster.must("delete", kinds, "-n", NAMESPACE, "-l", LABEL, "--wait=false")


def sink(path: str = "/") -> dict[str, Any]:
    """The sink, at a path: `/` accepts, `/fail` answers 500, `/reply` with an event.

    Not 503: sidecars repeat that.
    """
    return {"ref": {"apiVersion": "v1", "kind": "Service", "name": "ev-sink"}, "uri": path}


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"ev-{name}-{secrets.token_hex(2)}"


def furnish(cluster: Cluster, folder: Path) -> Room:
    """Start the client and the sink."""
    room = Room(cluster)
    (folder / "Procfile").write_text("web: python3 sink.py\n")
    (folder / "sink.py").write_text(SINK)
    added = hauberk("image", "add", "test/ev-sink", str(folder), "--name", cluster.name)
    assert added.returncode == 0, added.stderr
    container = {"name": "c", "image": "test/ev-sink", "ports": [{"containerPort": 8080}]}
    template = {
        "metadata": {"labels": {"app": "ev-sink", **INJECT, LABEL: "true"}},
        "spec": {"containers": [container]},
    }
    selector = {"app": "ev-sink"}
    room.make(
        "apps/v1", "Deployment", "ev-sink", spec={"selector": {"matchLabels": selector}, "template": template}
    )
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    room.make("v1", "Service", "ev-sink", spec={"selector": selector, "ports": ports})
    for name, labels in (("ev-client", INJECT), ("ev-outside", {})):
        spec = {"containers": [{"name": "c", "image": "hauberk.local/curl"}]}
        room.make("v1", "Pod", name, spec=spec, metadata={"labels": labels})
    cluster.must("wait", "--for=condition=Ready", "pod", "-n", NAMESPACE, "-l", LABEL, "--timeout=40s")
    return room
