"""The collector over a real unix socket, where the autoscaler pod's Envoy would listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hauberk.autoscaler import Collector, Facts
from hauberk.autoscaler.facts import Wanted
from hauberk.base.paths import Paths
from hauberk.base.refs import ref_of
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

KEY = ("demo", "hello-00001")
BUSY = 'envoy_cluster_upstream_rq_active{envoy_cluster_name="queue|user"} 140\n'


def pod(name: str, namespace: str, *containers: str, **labels: str) -> dict[str, Any]:
    status = {"podIP": "10.128.0.9", "conditions": [{"type": "Ready", "status": "True"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": labels},
        "spec": {"containers": [{"name": c, "image": "x"} for c in containers]},
        "status": status,
    }


def world(*containers: str) -> tuple[MemoryApi, Facts, FakeClock]:
    clock = FakeClock()
    api = MemoryApi(clock)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hello-00001-deployment"}
    api.seed(
        {
            "apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
            "kind": "PodAutoscaler",
            "metadata": {"name": "hello-00001", "namespace": "demo"},
            "spec": {"scaleTargetRef": target},
        },
        pod("h", "demo", *containers, **{"serving.knative.dev/revision": "hello-00001"}),
        pod("autoscaler-1", "knative-serving", app="autoscaler"),
    )
    return api, Facts(clock), clock


@asynccontextmanager
async def door(paths: Paths, status: str, body: str) -> AsyncIterator[list[str]]:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    socket = paths.egress_socket("autoscaler-1")
    socket.parent.mkdir(parents=True)
    server = await asyncio.start_unix_server(answer, str(socket))
    async with server:
        yield asked


async def test_a_busy_pod_is_measured_as_the_autoscalers_pod_and_more_are_wanted(tmp_path: Path) -> None:
    api, facts, clock = world("user-container", "queue-proxy", "istio-proxy")
    paths = Paths(tmp_path / "r", tmp_path / "d")
    async with door(paths, "200 OK", BUSY) as asked:
        collector = Collector(api, facts, paths, clock)
        await collector.collect()
        assert facts.wanted(KEY) == Wanted(2, -251.0)
        assert await collector.in_flight(KEY) == {"10.128.0.9": 140}
    assert asked[0].startswith("GET /metrics HTTP/1.1\r\n")
    assert "x-envoy-original-dst-host: 10.128.0.9:9090\r\n" in asked[0]
    assert "x-hauberk-peer: mtls\r\n" in asked[0]


async def test_a_pod_outside_the_mesh_is_asked_in_plaintext(tmp_path: Path) -> None:
    api, facts, clock = world("user-container", "queue-proxy")
    paths = Paths(tmp_path / "r", tmp_path / "d")
    async with door(paths, "200 OK", BUSY) as asked:
        await Collector(api, facts, paths, clock).collect()
    assert "x-hauberk-peer" not in asked[0]


async def test_a_refused_scrape_leaves_nothing_decided(tmp_path: Path) -> None:
    api, facts, clock = world("user-container", "queue-proxy", "istio-proxy")
    paths = Paths(tmp_path / "r", tmp_path / "d")
    async with door(paths, "503 Service Unavailable", "the autoscaler's pod takes no part in the mesh\n"):
        await Collector(api, facts, paths, clock).collect()
    assert facts.wanted(KEY) is None
    assert "HTTP status 503: the autoscaler's pod takes no part in the mesh" in facts.failure(KEY)


async def test_without_an_autoscaler_pod_nothing_is_decided(tmp_path: Path) -> None:
    api, facts, clock = world("user-container")
    await Collector(api, facts, Paths(tmp_path, tmp_path), clock).collect()
    assert "No such file" in facts.failure(KEY)
    assert facts.wanted(KEY) is None


async def test_a_revision_without_pods_wants_none(tmp_path: Path) -> None:
    api, facts, clock = world()
    for found in api.snapshot().list("Pod", "demo"):
        await api.delete(ref_of(found), grace_s=0)
    await Collector(api, facts, Paths(tmp_path, tmp_path), clock).collect()
    assert facts.wanted(KEY) == Wanted(0, -211.0)
