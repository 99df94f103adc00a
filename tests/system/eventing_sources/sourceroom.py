"""What the tests of sources and flows share: a display and an app that answers, both in the mesh."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hauberk.testing.cluster import Cluster, eventually, hauberk

NAMESPACE = "default"  # a member of the document's mesh
LABEL = "test.hauberk.dev/sources"
INJECT = {"sidecar.istio.io/inject": "true"}
KINDS = (
    "pingsource,apiserversource,containersource,sinkbinding,sequence,parallel,jobsink,broker,trigger,"
    "deploy,svc,pod,rolebinding,configmap"
)
STEP = """\
import http.server

class Step(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({}, b"")

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/drop":
            return self.answer({}, b"")
        ce = {k: v for k, v in self.headers.items() if k.lower().startswith("ce-")}
        self.answer({**ce, "content-type": "text/plain"}, data + self.path.encode())

    def answer(self, headers, body):
        self.send_response(200)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("", 8080), Step).serve_forever()
"""


@dataclass(frozen=True)
class Room:
    """The document's cluster with the two apps."""

    cluster: Cluster

    def make(self, api_version: str, kind: str, name: str, **parts: Any) -> None:
        """Create or change an object of the tests."""
        meta: dict[str, Any] = {"name": name, "namespace": NAMESPACE, **parts.pop("metadata", {})}
        meta["labels"] = {LABEL: "true", **meta.get("labels", {})}
        self.cluster.apply(json.dumps({"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}))

    def source(self, kind: str, name: str, **spec: Any) -> None:
        self.make("sources.knative.dev/v1", kind, name, spec=spec)

    def conditions(self, kind: str, name: str) -> dict[str, str]:
        found = self.cluster.json(kind, name, "-n", NAMESPACE)
        rows = (found.get("status") or {}).get("conditions") or ()
        return {
            c["type"]: f"{c['status']} {c.get('reason', '')} {c.get('message', '')}".strip() for c in rows
        }

    def ready(self, kind: str, *names: str) -> None:
        for name in names:
            eventually(
                lambda name=name: self.conditions(kind, name).get("Ready", "").startswith("True"),  # type: ignore[misc]
                within_s=30,
                what=f"{kind} {name} is Ready: {self.conditions(kind, name)}",
            )

    def shown(self) -> str:
        """All that the display printed."""
        return self.cluster.must("logs", "es-display", "-n", NAMESPACE, "-c", "c", "--tail=-1")

    def until(self, text: str, within_s: float = 15) -> None:
        eventually(lambda: text in self.shown(), within_s=within_s, what=f"the display shows {text}")

    def send(self, target: str, data: str, *flags: str) -> str:
        """What `hauberk events send -o json` prints."""
        common = ("--namespace", NAMESPACE, "--name", self.cluster.name, "-o", "json")
        return hauberk("events", "send", target, data, *flags, *common).stdout

    def clear(self) -> None:
        self.cluster.must("delete", KINDS, "-n", NAMESPACE, "-l", LABEL, "--wait=false")


def to(service: str, path: str = "/") -> dict[str, Any]:
    """A Service of the tests as a destination."""
    return {"ref": {"apiVersion": "v1", "kind": "Service", "name": service}, "uri": path}


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"es-{name}-{secrets.token_hex(2)}"


def furnish(cluster: Cluster, folder: Path) -> Room:
    """Start the display and the app that answers."""
    room = Room(cluster)
    (folder / "Procfile").write_text("web: python3 step.py\n")
    (folder / "step.py").write_text(STEP)
    added = hauberk("image", "add", "test/es-step", str(folder), "--name", cluster.name)
    assert added.returncode == 0, added.stderr
    for name, image in (("es-display", "hauberk.local/event-display"), ("es-step", "test/es-step")):
        container = {"name": "c", "image": image, "ports": [{"containerPort": 8080}]}
        labels = {"app": name, **INJECT}
        room.make("v1", "Pod", name, spec={"containers": [container]}, metadata={"labels": labels})
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        room.make("v1", "Service", name, spec={"selector": {"app": name}, "ports": ports})
    cluster.must("wait", "--for=condition=Ready", "pod", "-n", NAMESPACE, "-l", LABEL, "--timeout=40s")
    return room
