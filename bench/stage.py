"""Clusters to measure on."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

from hauberk.base.conditions import is_true
from hauberk.base.progress import Quiet
from hauberk.demo.run import apply_document, make_certificates
from hauberk.testing.cluster import Cluster, eventually, hauberk, started

SERVICE = """
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: {name}
  namespace: default
  annotations:
    serving.knative.openshift.io/enablePassthrough: "true"
spec:
  template:
    metadata:
      annotations:
        sidecar.istio.io/inject: "true"
        sidecar.istio.io/rewriteAppHTTPProbers: "true"
{annotations}
    spec:
      containers:
      - image: {image}
"""


@contextmanager
def fresh() -> Iterator[Cluster]:
    """An ephemeral cluster with nothing applied."""
    name = f"bench-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield started(name, Path(folder), "--ephemeral")
        finally:
            hauberk("down", "--name", name)


@contextmanager
def documented() -> Iterator[Cluster]:
    """An ephemeral cluster with the document applied and everything Ready."""
    with fresh() as cluster:
        make_certificates(cluster.shell, Quiet())
        apply_document(cluster.shell, cluster.kube, Quiet())
        yield cluster


def apply_service(cluster: Cluster, name: str, image: str, **annotations: str) -> str:
    """A Knative service in the mesh; returns its external host once it is Ready."""
    lines = "\n".join(
        f"        autoscaling.knative.dev/{k.replace('_', '-')}: {json.dumps(v)}"
        for k, v in annotations.items()
    )
    cluster.apply(SERVICE.format(name=name, image=image, annotations=lines))
    cluster.must(
        "wait", "--for=condition=Ready", f"ksvc/{name}", "-n", "default", "--timeout=60s", timeout_s=70
    )
    return f"{name}-default.apps.openshift.example.com"


def patch_serving(cluster: Cluster, config: dict[str, dict[str, str]]) -> None:
    """Change ConfigMaps of Serving by the KnativeServing."""
    cluster.must(
        "patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge",
        "-p", json.dumps({"spec": {"config": config}}),
    )  # fmt: skip
    time.sleep(1)


def apply_at_zero(cluster: Cluster, names: list[str], *, within_s: float = 120) -> list[str]:
    """Services that never have a pod before they are asked, all Ready; returns their hosts."""
    note = '        autoscaling.knative.dev/initial-scale: "0"'
    made = (SERVICE.format(name=n, image="hauberk.local/helloworld", annotations=note) for n in names)
    cluster.must("create", "-f", "-", text="---\n".join(made), timeout_s=within_s)
    wanted = set(names)

    def ready() -> bool:
        found = cluster.json("ksvc", "-n", "default")["items"]
        return wanted <= {s["metadata"]["name"] for s in found if is_true(s)}

    eventually(ready, within_s=within_s, what="all services Ready", every_s=1.0)
    return [f"{name}-default.apps.openshift.example.com" for name in names]


@dataclass(frozen=True, slots=True)
class Ground:
    """A pod's network namespace to run something in."""

    uid: str
    ip: str


def empty_pod(cluster: Cluster, name: str) -> Ground:
    """A Ready pod without an Envoy that does nothing."""
    spec = {"containers": [{"name": "wait", "image": "hauberk.local/curl", "command": ["sleep", "3600"]}]}
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "annotations": {"sidecar.istio.io/inject": "false"},
        },
        "spec": {**spec, "terminationGracePeriodSeconds": 0},
    }
    cluster.apply(json.dumps(manifest))
    cluster.must("wait", "--for=condition=Ready", f"pod/{name}", "-n", "default", "--timeout=30s")
    pod = cluster.json("pod", name, "-n", "default")
    return Ground(pod["metadata"]["uid"], pod["status"]["podIP"])


def wait_for_zero(cluster: Cluster, name: str, *, within_s: float = 90) -> None:
    """Until no pod of the service is wanted any more."""

    def gone() -> bool:
        found = cluster.json("deployments", "-n", "default", "-l", f"serving.knative.dev/service={name}")
        return bool(found["items"]) and all(d["spec"]["replicas"] == 0 for d in found["items"])

    eventually(gone, within_s=within_s, what=f"{name} scaled to zero")


def wait_for_no_pods(cluster: Cluster, name: str, *, within_s: float) -> None:
    """Until the service is scaled to zero and the last of its pods has drained and gone."""
    wait_for_zero(cluster, name, within_s=within_s)

    def gone() -> bool:
        found = cluster.json("pods", "-n", "default", "-l", f"serving.knative.dev/service={name}")
        return not found["items"]

    eventually(gone, within_s=within_s, what=f"no pod of {name}")


def request_s(cluster: Cluster, host: str, *, wanted: str) -> float:
    """Seconds that one request on a new TLS connection takes."""
    context = ssl.create_default_context(cafile=str(cluster.folder / "root.crt"))
    context.check_hostname = False  # the document's certificate has no SAN (D1)
    began = time.monotonic()
    connection = HTTPSConnection(
        cluster.options.address, cluster.options.https_port, context=context, timeout=60
    )
    wire = socket.create_connection((cluster.options.address, cluster.options.https_port), 60)
    # As curl, browsers and Go do. Without it the kernel holds the request back for 40 ms, until the other
    # side has acknowledged the end of the handshake.
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sock = context.wrap_socket(wire, server_hostname=host)
    connection.request("GET", "/", headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read().decode()
    took = time.monotonic() - began
    connection.close()
    if answer.status != 200 or wanted not in body:
        raise RuntimeError(f"{host} answered {answer.status}: {body[:200]}")
    return took
