"""The document's own manifests, through admission and engine, until nothing is left to write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from hauberk import openshift, operators
from hauberk.base.conditions import condition, is_true
from hauberk.base.refs import Json, Ref, is_deleting, kind_of, ref_of
from hauberk.engine.clock import SystemClock
from hauberk.engine.engine import Engine, settle
from hauberk.engine.plan import Controller
from hauberk.operators.names import (
    CONTROL_PLANE,
    DEPLOYMENT,
    EVENTING,
    MEMBER,
    MEMBER_OF,
    MEMBER_ROLL,
    SERVING,
)
from hauberk.testing.memory_api import MemoryApi
from hauberk.testing.recorder import KeptEvents

DOCUMENT = Path(__file__).parents[3] / "examples" / "document"
KOURIER = "knative-serving-ingress"
DOMAIN = "apps.openshift.example.com"
FACTS = operators.Facts(mesh_roots="-----BEGIN CERTIFICATE-----\n")
CONTROLLERS: tuple[Controller[Any], ...] = (*operators.controllers(FACTS), *openshift.CONTROLLERS)


def manifests(*names: str) -> list[dict[str, Any]]:
    return [d for name in names for d in yaml.safe_load_all((DOCUMENT / name).read_text()) if d]


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


class Cluster:
    """Engine and API in memory; `roll_out` is the node's part."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.api = MemoryApi(self.clock, (*operators.ADMISSION, *openshift.ADMISSION))

    async def settled(self) -> None:
        engine = Engine(self.api, CONTROLLERS, self.clock, KeptEvents())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            revision = -1
            while revision != self.api.snapshot().revision:  # a busy machine may be quiet between two steps
                revision = self.api.snapshot().revision
                await settle(engine, self.clock, quiet_s=0.05)
            running.cancel()

    async def roll_out(self, wanted: Callable[[Json], bool] = lambda _: True) -> None:
        for deployment in list(self.api.snapshot().list(DEPLOYMENT)):
            if wanted(deployment):
                meta = deployment["metadata"]
                row = {"type": "Available", "status": "True"}
                status = {"observedGeneration": meta["generation"], "conditions": [row]}
                ref = Ref(DEPLOYMENT, meta["namespace"], meta["name"])
                await self.api.apply_status(ref, status, manager="node")

    def get(self, kind: str, namespace: str, name: str) -> Json:
        found = self.api.snapshot().get(Ref(kind, namespace, name))
        assert found is not None, (kind, namespace, name)
        return found


async def document() -> Cluster:
    cluster = Cluster()
    for obj in openshift.bootstrap_objects(DOMAIN):
        await cluster.api.create(obj)
    for name in ("istio-system", "knative-serving", "knative-eventing"):
        await cluster.api.create(namespace(name))
    for obj in manifests(
        "01-smcp.yaml",
        "02-servicemesh-member-roll.yaml",
        "03-istio-knative-gateways.yaml",
        "04-knative-serving-config.yaml",
        "05-knative-eventing-config.yaml",
    ):
        await cluster.api.create(obj)
    await cluster.settled()
    return cluster


async def test_the_document_becomes_ready_when_its_workloads_run() -> None:
    cluster = await document()
    smcp = cluster.get(CONTROL_PLANE, "istio-system", "basic")
    assert condition(smcp, "Ready")["reason"] == "ComponentsNotReady"  # type: ignore[index]
    await cluster.roll_out()
    await cluster.settled()
    smcp = cluster.get(CONTROL_PLANE, "istio-system", "basic")
    assert is_true(smcp)
    assert smcp["status"]["annotations"]["readyComponentCount"] == "4/4"
    assert is_true(cluster.get(SERVING, "knative-serving", "knative-serving"))
    assert is_true(cluster.get(SERVING, "knative-serving", "knative-serving"), "GatewaysReady")
    assert is_true(cluster.get(EVENTING, "knative-eventing", "knative-eventing"))


async def test_a_missing_namespace_is_pending_and_becomes_configured_when_created() -> None:
    cluster = await document()
    roll = cluster.get(MEMBER_ROLL, "istio-system", "default")
    assert roll["status"]["configuredMembers"] == ["knative-eventing", "knative-serving"]
    assert roll["status"]["pendingMembers"] == ["default"]
    await cluster.api.create(namespace("default"))
    await cluster.settled()
    roll = cluster.get(MEMBER_ROLL, "istio-system", "default")
    assert roll["status"]["pendingMembers"] == []
    assert is_true(roll)
    assert cluster.get("ConfigMap", "default", "istio-ca-root-cert")["data"] == {
        "root-cert.pem": FACTS.mesh_roots
    }


async def test_leaving_the_roll_takes_label_and_root_certificate_away() -> None:
    cluster = await document()
    member = cluster.get("Namespace", "", "knative-eventing")
    assert member["metadata"]["labels"][MEMBER_OF] == "istio-system"
    ref = Ref(MEMBER_ROLL, "istio-system", "default")
    await cluster.api.patch(ref, {"spec": {"members": ["knative-serving"]}})
    await cluster.settled()
    former = cluster.get("Namespace", "", "knative-eventing")
    assert MEMBER_OF not in (former["metadata"].get("labels") or {})
    snapshot = cluster.api.snapshot()
    assert snapshot.get(Ref("ConfigMap", "knative-eventing", "istio-ca-root-cert")) is None
    assert snapshot.get(Ref("ConfigMap", "istio-system", "istio-ca-root-cert")) is not None


async def test_a_settled_cluster_is_not_written_again() -> None:
    cluster = await document()
    await cluster.roll_out()
    await cluster.settled()
    cluster.api.log.clear()
    await cluster.settled()
    assert cluster.api.log == []


async def test_an_admins_edit_of_what_the_operator_owns_is_put_back_and_the_rest_stays() -> None:
    cluster = await document()
    ref = Ref("Service", "istio-system", "istio-ingressgateway")
    labels = {"knative": "other", "team": "mine"}
    await cluster.api.patch(ref, {"metadata": {"labels": labels}})
    await cluster.settled()
    stored = cluster.get(ref.kind, ref.namespace, ref.name)["metadata"]["labels"]
    assert stored["knative"] == "ingressgateway"
    assert stored["team"] == "mine"


async def test_without_istio_kourier_stands_in_its_own_namespace_and_goes_with_serving() -> None:
    cluster = Cluster()
    for obj in (*openshift.bootstrap_objects(DOMAIN), namespace("knative-serving")):
        await cluster.api.create(obj)
    serving = manifests("04-knative-serving-config.yaml")[0]
    await cluster.api.create({**serving, "spec": {}})
    await cluster.settled()
    kinds = {kind_of(o) for k in (DEPLOYMENT, "Service") for o in cluster.api.snapshot().list(k, KOURIER)}
    assert kinds == {DEPLOYMENT, "Service"}
    config = cluster.get("ConfigMap", "knative-serving", "config-network")["data"]
    assert config["ingress-class"] == "kourier.ingress.networking.knative.dev"
    await cluster.api.delete(Ref(SERVING, "knative-serving", "knative-serving"))
    await cluster.settled()
    snapshot = cluster.api.snapshot()
    assert snapshot.get(Ref(SERVING, "knative-serving", "knative-serving")) is None
    assert not snapshot.list(DEPLOYMENT, KOURIER)
    assert is_deleting(cluster.get("Namespace", "", KOURIER))


def internal_ingress(**annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "Ingress",
        "metadata": {
            "name": "hello",
            "namespace": "default",
            "annotations": {
                "networking.knative.dev/ingress.class": "istio.ingress.networking.knative.dev",
                **annotations,
            },
        },
        "spec": {
            "rules": [{"hosts": ["hello-default.apps.openshift.example.com"], "visibility": "ExternalIP"}]
        },
        "status": {
            "publicLoadBalancer": {
                "ingress": [{"domainInternal": "istio-ingressgateway.istio-system.svc.cluster.local"}]
            }
        },
    }


async def test_an_ingress_becomes_an_admitted_route_and_takes_it_along_when_it_goes() -> None:
    cluster = await document()
    ref = Ref("Ingress.networking.internal.knative.dev", "default", "hello")
    await cluster.api.create(internal_ingress())
    await cluster.settled()
    (route,) = cluster.api.snapshot().list("Route.route.openshift.io", "istio-system")
    assert route["spec"]["port"] == {"targetPort": "http2"}
    assert route["status"]["ingress"][0]["conditions"][0]["status"] == "True"
    assert route["status"]["ingress"][0]["routerCanonicalHostname"] == f"router-default.{DOMAIN}"
    await cluster.api.delete(ref)
    await cluster.settled()
    assert not cluster.api.snapshot().list("Route.route.openshift.io")
    assert cluster.api.snapshot().get(ref) is None


async def test_a_deleted_route_of_an_ingress_comes_back() -> None:
    cluster = await document()
    await cluster.api.create(internal_ingress())
    await cluster.settled()
    (route,) = cluster.api.snapshot().list("Route.route.openshift.io")
    await cluster.api.delete(ref_of(route))
    await cluster.settled()
    assert [r["metadata"]["name"] for r in cluster.api.snapshot().list("Route.route.openshift.io")] == [
        route["metadata"]["name"]
    ]


async def test_a_pod_of_a_member_namespace_is_injected_on_its_way_in() -> None:
    cluster = await document()
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "namespace": "knative-serving",
            "labels": {"sidecar.istio.io/inject": "true"},
        },
        "spec": {"containers": [{"name": "app", "image": "hauberk.local/helloworld"}]},
    }
    stored = await cluster.api.create(pod)
    assert [c["name"] for c in stored["spec"]["containers"]] == ["app", "istio-proxy"]
    assert stored["spec"]["initContainers"][0]["name"] == "istio-init"


async def test_a_member_asks_to_join_and_the_mesh_gets_its_roll() -> None:
    cluster = Cluster()
    for name in ("istio-system", "tenant"):
        await cluster.api.create(namespace(name))
    await cluster.api.create(manifests("01-smcp.yaml")[0])
    await cluster.api.create(
        {
            "apiVersion": "maistra.io/v1",
            "kind": "ServiceMeshMember",
            "metadata": {"name": "default", "namespace": "tenant"},
            "spec": {"controlPlaneRef": {"name": "basic", "namespace": "istio-system"}},
        }
    )
    await cluster.settled()
    assert is_true(cluster.get(MEMBER, "tenant", "default"))
    roll = cluster.get(MEMBER_ROLL, "istio-system", "default")
    assert roll["status"]["configuredMembers"] == ["tenant"]
