"""From a change of the mesh to its proxies."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from bench import stage
from bench.model import Figure, percentile
from hauberk.cluster import client


def propagation() -> Sequence[Figure]:
    """From writing a VirtualService to every Envoy having acknowledged it."""
    changes = 100
    with stage.documented() as cluster:
        manifest = {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "moving", "namespace": "default"},
            "spec": {
                "hosts": ["moving.default.svc.cluster.local"],
                "http": [{"route": [{"destination": {"host": "hello.default.svc.cluster.local"}}]}],
            },
        }
        cluster.apply(json.dumps(manifest))
        socket_path = cluster.options.paths.api_socket
        took = []
        for i in range(changes):
            began = time.monotonic()
            revision = _patch_timeout(socket_path, i)
            client.get_json(socket_path, f"/hauberk/v1/acked?revision={revision}", timeout_s=10)
            took.append(time.monotonic() - began)
        proxies = cluster.status()["proxies"]["total"]
    return [
        Figure(
            what="change of a VirtualService to every Envoy acknowledged",
            measured=f"p50 {percentile(took, 0.5) * 1000:.0f} ms, p99 {percentile(took, 0.99) * 1000:.0f} ms "
            f"(n={changes}, {proxies} proxies)",
            must="p99 ≤ 100 ms",
            reached=percentile(took, 0.99) <= 0.1,
            value=percentile(took, 0.99),
            method="request of the write to the control plane's word that every proxy acknowledged "
            "that revision",
        )
    ]


def _patch_timeout(socket_path: Path, i: int) -> int:
    target = "/apis/networking.istio.io/v1/namespaces/default/virtualservices/moving"
    body = json.dumps([{"op": "add", "path": "/spec/http/0/timeout", "value": f"{i + 1}s"}]).encode()
    status, answer = client.send(socket_path, "PATCH", target, body, "application/json-patch+json")
    if status != 200:
        raise RuntimeError(answer.decode())
    return int(json.loads(answer)["metadata"]["resourceVersion"])
