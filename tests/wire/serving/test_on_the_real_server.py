"""A cold start through the real store, API server and Deployment controllers; only the node is faked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hauberk import autoscaler, serving, workloads
from hauberk.apiserver.server import Server
from hauberk.base.apierrors import AlreadyExists, BadRequest
from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, Ref
from hauberk.engine.clock import SystemClock
from hauberk.engine.engine import Engine, settle
from hauberk.operators.knative_serving.settings import config_maps
from hauberk.ports import Forward, HoldRequest
from hauberk.serving.activator import Activator
from hauberk.store import Store
from hauberk.testing.recorder import KeptEvents

PA = "PodAutoscaler.autoscaling.internal.knative.dev"
HELLO = {
    "apiVersion": "serving.knative.dev/v1",
    "kind": "Service",
    "metadata": {"name": "hello", "namespace": "demo"},
    "spec": {"template": {"spec": {"containers": [{"image": "hauberk.local/helloworld"}]}}},
}


@dataclass
class Cluster:
    server: Server
    engine: Engine
    facts: autoscaler.Facts
    activator: Activator
    clock: SystemClock

    def get(self, kind: str, name: str) -> Json:
        found = self.server.snapshot().get(Ref(kind, "demo", name))
        assert found is not None, f"{kind} {name}"
        return found

    async def node(self) -> None:
        """Every pod is ready as soon as it exists, and gone as soon as it must go."""
        addresses = iter(range(2, 250))
        async for batch in self.server.watch(("Pod",)):
            for event in batch:
                meta = event.obj["metadata"]
                ref = Ref("Pod", meta["namespace"], meta["name"])
                if meta.get("deletionTimestamp") and event.type != "DELETED":
                    await self.server.delete(ref, grace_s=0)
                elif event.type == "ADDED":
                    rows = [{"type": t, "status": "True"} for t in ("Ready", "PodScheduled")]
                    status = {"phase": "Running", "podIP": f"10.128.0.{next(addresses)}", "conditions": rows}
                    await self.server.apply_status(ref, status, manager="node")

    async def settle(self) -> None:
        await settle(self.engine, self.clock, quiet_s=0.1)


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    clock = SystemClock()
    store = Store.open(folder / "state.db", ephemeral=True)
    rows = (*workloads.ADMISSION, *serving.ADMISSION)
    server = Server(store, clock=clock, admission=rows, options={"strict": False, "domain": "x"})
    facts = autoscaler.Facts(clock)
    controllers = (
        *workloads.controllers(lambda: "PEM"),
        *serving.controllers(),
        *autoscaler.controllers(facts),
    )
    engine = Engine(server, controllers, clock, KeptEvents())
    facts.listen(autoscaler.waker(engine.wake))
    at = Cluster(server, engine, facts, Activator(server, facts, clock), clock)
    for obj in workloads.bootstrap_objects():
        try:
            await server.create(obj)
        except AlreadyExists:
            continue
    for name in ("knative-serving", "demo"):
        await server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for name, data in config_maps("apps.openshift.example.com", istio=True).items():
        meta = {"name": name, "namespace": "knative-serving"}
        await server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)})
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part()) for part in (engine.run, at.activator.run, at.node)]
            yield at
            for task in running:
                task.cancel()
    finally:
        await store.close()


async def deploy(at: Cluster) -> None:
    for name in ("knative-ingress-gateway", "knative-local-gateway"):
        server: dict[str, Any] = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
        await at.server.create(
            {
                "apiVersion": "networking.istio.io/v1beta1",
                "kind": "Gateway",
                "metadata": {"name": name, "namespace": "knative-serving"},
                "spec": {"selector": {"knative": "ingressgateway"}, "servers": [server]},
            }
        )
    await at.server.create(HELLO)
    await at.settle()


async def to_zero(at: Cluster) -> None:
    """Age the revision's Active, as if its windows had passed."""
    ref = Ref(PA, "demo", "hello-00001")
    status = dict(at.get(PA, "hello-00001")["status"])
    rows = [r for r in status["conditions"] if r["type"] != "Active"]
    rows.append({"type": "Active", "status": "False", "lastTransitionTime": "2020-01-01T00:00:00Z"})
    await at.server.apply_status(ref, {**status, "conditions": rows}, manager="hauberk-podautoscaler")
    scale = {"apiVersion": "apps/v1", "kind": "Deployment"}
    meta = {"name": "hello-00001-deployment", "namespace": "demo"}
    body = {**scale, "metadata": meta, "spec": {"replicas": 0}}
    await at.server.apply(body, manager="hauberk-podautoscaler")
    await at.settle()


async def test_a_service_becomes_ready_and_the_queue_knows_it(tmp_path: Path) -> None:
    async with cluster(tmp_path) as at:
        await deploy(at)
        service = at.get("Service.serving.knative.dev", "hello")
        assert is_true(service), service["status"]
        assert all("reason" not in c for c in service["status"]["conditions"])
        active = at.get("Revision.serving.knative.dev", "hello-00001")["status"]["conditions"]
        assert {c["type"]: c["status"] for c in active}["Active"] == "True"


async def test_ten_cold_starts_each_answer(tmp_path: Path) -> None:
    async with cluster(tmp_path) as at:
        await deploy(at)
        for _ in range(10):
            await to_zero(at)
            request = HoldRequest(
                namespace="demo", revision="hello-00001", authority="h", path="/", headers={}, pod_uid="a"
            )
            answer = await asyncio.wait_for(at.activator.hold(request), 5)
            assert isinstance(answer, Forward)
            await at.settle()


async def test_the_server_refuses_in_upstreams_words_and_stores_nothing(tmp_path: Path) -> None:
    async with cluster(tmp_path) as at:
        bad = {**HELLO, "spec": {**HELLO["spec"], "traffic": [{"percent": 90}]}}  # type: ignore[dict-item]
        with pytest.raises(BadRequest, match=r"Traffic targets sum to 90, want 100: spec\.traffic"):
            await at.server.create(bad)
        assert at.server.snapshot().get(Ref("Service.serving.knative.dev", "demo", "hello")) is None
