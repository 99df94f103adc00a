"""The document through the real API server and store, with Kubernetes' own controllers beside ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from hauberk import openshift, operators, serving, workloads
from hauberk.apiserver.server import Server
from hauberk.base.apierrors import AlreadyExists, BadRequest, Invalid
from hauberk.engine.clock import SystemClock
from hauberk.engine.engine import Engine, settle
from hauberk.engine.plan import Controller
from hauberk.store import Store
from hauberk.testing.recorder import KeptEvents

DOCUMENT = Path(__file__).parents[3] / "examples" / "document"
DOMAIN = "apps.openshift.example.com"
ADMISSION = (*workloads.ADMISSION, *serving.ADMISSION, *operators.ADMISSION, *openshift.ADMISSION)
CONTROLLERS: tuple[Controller[Any], ...] = (
    *workloads.controllers(lambda: "PEM"),
    *operators.controllers(operators.Facts(mesh_roots="PEM")),
    *openshift.CONTROLLERS,
)


@asynccontextmanager
async def cluster(folder: Path, strict: bool = False) -> AsyncIterator[tuple[Server, Engine]]:
    clock = SystemClock()
    store = Store.open(folder / "state.db", ephemeral=True)
    server = Server(store, clock=clock, admission=ADMISSION, options={"strict": strict, "domain": DOMAIN})
    for obj in (*workloads.bootstrap_objects(), *openshift.bootstrap_objects(DOMAIN)):
        try:
            await server.create(obj)
        except AlreadyExists:
            continue
    for name in ("istio-system", "knative-serving", "knative-eventing"):
        await server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    engine = Engine(server, CONTROLLERS, clock, KeptEvents())
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            yield server, engine
            running.cancel()
    finally:
        await store.close()


async def apply_document(server: Server) -> None:
    for path in sorted(DOCUMENT.glob("0[1-5]*.yaml")):
        for obj in yaml.safe_load_all(path.read_text()):
            await server.create(obj)


async def test_the_document_leads_to_valid_pods_with_sidecars_where_it_asks_and_then_to_rest(
    tmp_path: Path,
) -> None:
    async with cluster(tmp_path) as (server, engine):
        await apply_document(server)
        await asyncio.sleep(0.05)
        await settle(engine, SystemClock(), quiet_s=0.2)
        pods = server.snapshot().list("Pod")
        injected = {
            p["metadata"]["generateName"].rsplit("-", 2)[0]
            for p in pods
            if any(c["name"] == "istio-proxy" for c in p["spec"]["containers"])
            and p["spec"].get("initContainers")
        }
        assert injected == {
            "activator",
            "autoscaler",
            "imc-dispatcher",
            "mt-broker-ingress",
            "mt-broker-filter",
        }
        for pod in pods:  # what the node does first: an update of a stored pod must find nothing to default
            await server.update({**pod, "spec": {**pod["spec"], "nodeName": "hauberk"}})
        await settle(engine, SystemClock(), quiet_s=0.2)
        revision = server.snapshot().revision
        await settle(engine, SystemClock(), quiet_s=0.2)
        assert server.snapshot().revision == revision


@pytest.mark.parametrize(
    ("strict", "refused"),
    [(False, False), (True, True)],
)
async def test_placeholders_are_forgiven_by_the_lenient_cluster_only(
    tmp_path: Path, strict: bool, refused: bool
) -> None:
    roll = yaml.safe_load((DOCUMENT / "02-servicemesh-member-roll.yaml").read_text())
    roll["spec"]["members"] = ["knative-serving", "your-OpenShift-projects"]
    async with cluster(tmp_path, strict) as (server, _):
        if refused:
            with pytest.raises(Invalid, match="placeholder"):
                await server.create(roll)
        else:
            await server.create(roll)


async def test_a_namespace_of_another_roll_is_refused(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (server, _):
        await apply_document(server)
        await server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "second"}})
        roll = {
            "apiVersion": "maistra.io/v1",
            "kind": "ServiceMeshMemberRoll",
            "metadata": {"name": "default", "namespace": "second"},
            "spec": {"members": ["knative-serving"]},
        }
        with pytest.raises(BadRequest, match="already defined in another ServiceMeshMemberRoll"):
            await server.create(roll)
