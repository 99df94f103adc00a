"""The straight line in one process: engine, controllers, admission, activator; only pods are faked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hauberk import autoscaler, serving
from hauberk.autoscaler.facts import Sample
from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, Ref
from hauberk.engine.clock import SystemClock
from hauberk.engine.engine import Engine, settle
from hauberk.operators.knative_serving.settings import config_maps
from hauberk.ports import Forward, HoldRequest, Reject
from hauberk.serving.activator import Activator
from hauberk.testing.memory_api import MemoryApi
from hauberk.testing.recorder import KeptEvents

PA = "PodAutoscaler.autoscaling.internal.knative.dev"
DEPLOYMENT = Ref("Deployment.apps", "demo", "hello-00001-deployment")


@dataclass
class Line:
    api: MemoryApi
    engine: Engine
    facts: autoscaler.Facts
    activator: Activator
    clock: SystemClock

    async def settle(self) -> None:
        await settle(self.engine, self.clock, quiet_s=0.05)

    def get(self, kind: str, name: str) -> Json:
        found = self.api.snapshot().get(Ref(kind, "demo", name))
        assert found is not None, f"{kind} {name}"
        return found

    def start_pod(self, revision: str = "hello-00001", ip: str = "10.128.0.9") -> None:
        """What Deployment, ReplicaSet, node and EndpointSlice controllers do together."""
        template = self.get("Deployment.apps", f"{revision}-deployment")["spec"]["template"]
        meta = {"name": f"p-{ip}", "namespace": "demo", "labels": template["metadata"]["labels"]}
        status = {"podIP": ip, "conditions": [{"type": "Ready", "status": "True"}]}
        self.api.seed(
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"], "status": status}
        )
        labels = {"kubernetes.io/service-name": f"{revision}-private"}
        self.api.seed(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "addressType": "IPv4",
                "metadata": {"name": f"{revision}-private-{ip}", "namespace": "demo", "labels": labels},
                "endpoints": [{"addresses": [ip], "conditions": {"ready": True}}],
            }
        )


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    clock = SystemClock()
    api = MemoryApi(clock, admission=serving.ADMISSION)
    facts = autoscaler.Facts(clock)
    rows = [*serving.CONTROLLERS, *autoscaler.controllers(facts)]
    engine = Engine(api, rows, clock, KeptEvents())
    facts.listen(autoscaler.waker(engine.wake))
    for name, data in config_maps("apps.openshift.example.com", istio=True).items():
        meta = {"name": name, "namespace": "knative-serving"}
        api.seed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)})
    for name in ("knative-ingress-gateway", "knative-local-gateway"):
        meta = {"name": name, "namespace": "knative-serving"}
        api.seed(
            {"apiVersion": "networking.istio.io/v1beta1", "kind": "Gateway", "metadata": meta, "spec": {}}
        )
    activator = Activator(api, facts, clock)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(engine.run()), tasks.create_task(activator.run())]
        yield Line(api, engine, facts, activator, clock)
        for task in running:
            task.cancel()


def hello(**spec: Any) -> dict[str, Any]:
    template: dict[str, Any] = {"spec": {"containers": [{"image": "hauberk.local/helloworld"}], **spec}}
    template["metadata"] = {"labels": {"sidecar.istio.io/inject": "true"}}
    notes = {"serving.knative.openshift.io/enablePassthrough": "true"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "hello", "namespace": "demo", "annotations": notes},
        "spec": {"template": template},
    }


def asked() -> HoldRequest:
    return HoldRequest(
        namespace="demo", revision="hello-00001", authority="hello.demo", path="/", headers={}, pod_uid="a"
    )


async def test_a_service_becomes_ready_with_all_its_children() -> None:
    async with line() as at:
        await at.api.create(hello(), manager="admin")
        await at.settle()
        assert not is_true(at.get("Service.serving.knative.dev", "hello"))
        at.start_pod()
        await at.settle()
        service = at.get("Service.serving.knative.dev", "hello")
        assert is_true(service)
        assert service["status"]["url"] == "https://hello-demo.apps.openshift.example.com"
        assert service["status"]["latestReadyRevisionName"] == "hello-00001"
        ingress = at.get("Ingress.networking.internal.knative.dev", "hello")
        assert ingress["metadata"]["annotations"]["serving.knative.openshift.io/enablePassthrough"] == "true"
        placeholder = at.get("Service", "hello")["spec"]
        assert placeholder["externalName"] == "knative-local-gateway.istio-system.svc.cluster.local"
        assert at.get("VirtualService.networking.istio.io", "hello-mesh")
        labels = at.get("Deployment.apps", "hello-00001-deployment")["spec"]["template"]["metadata"]["labels"]
        assert labels["sidecar.istio.io/inject"] == "true"


async def test_a_settled_line_writes_nothing_more() -> None:
    async with line() as at:
        await at.api.create(hello(), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        at.api.log.clear()
        for controller, kind, name in (
            ("service-serving", "Service.serving.knative.dev", "hello"),
            ("configuration", "Configuration.serving.knative.dev", "hello"),
            ("revision", "Revision.serving.knative.dev", "hello-00001"),
            ("route-serving", "Route.serving.knative.dev", "hello"),
            ("ingress-serving", "Ingress.networking.internal.knative.dev", "hello"),
            ("podautoscaler", PA, "hello-00001"),
            ("serverlessservice", "ServerlessService.networking.internal.knative.dev", "hello-00001"),
        ):
            at.engine.wake(controller, Ref(kind, "demo", name))
        await at.settle()
        assert at.api.log == []


@pytest.mark.must("api-template-change", "api-latest-names", "api-revision-name")
async def test_a_change_makes_the_next_revision_and_the_old_one_serves_until_it_is_ready() -> None:
    async with line() as at:
        await at.api.create(hello(), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        patch = {"spec": {"template": {"spec": {"timeoutSeconds": 10}}}}
        await at.api.patch(Ref("Service.serving.knative.dev", "demo", "hello"), patch, manager="admin")
        await at.settle()
        route = at.get("Route.serving.knative.dev", "hello")
        assert route["status"]["traffic"][0]["revisionName"] == "hello-00001"
        assert not is_true(at.get("Service.serving.knative.dev", "hello"))
        at.start_pod("hello-00002", "10.128.0.10")
        await at.settle()
        route = at.get("Route.serving.knative.dev", "hello")
        assert route["status"]["traffic"][0]["revisionName"] == "hello-00002"
        assert is_true(at.get("Service.serving.knative.dev", "hello"))
        old = at.get("Revision.serving.knative.dev", "hello-00001")["metadata"]["labels"]
        assert old["serving.knative.dev/routingState"] == "reserve"


async def to_zero(at: Line) -> None:
    """Bring the revision to zero without waiting for its windows."""
    ref = Ref(PA, "demo", "hello-00001")
    status = dict(at.get(PA, "hello-00001")["status"])
    rows = [r for r in status["conditions"] if r["type"] != "Active"]
    past = "2020-01-01T00:00:00Z"
    rows.append({"type": "Active", "status": "False", "reason": "NoTraffic", "lastTransitionTime": past})
    await at.api.apply_status(ref, {**status, "conditions": rows}, manager="hauberk-podautoscaler")
    scale = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": DEPLOYMENT.name, "namespace": "demo"},
    }
    await at.api.apply({**scale, "spec": {"replicas": 0}}, manager="hauberk-podautoscaler")
    for pod in at.api.snapshot().list("Pod", "demo"):
        await at.api.delete(Ref("Pod", "demo", pod["metadata"]["name"]), grace_s=0)
    await at.settle()
    assert at.get("Deployment.apps", DEPLOYMENT.name)["spec"]["replicas"] == 0


@pytest.mark.must("api-hold")
async def test_a_held_request_scales_from_zero_at_once_and_goes_to_the_first_pod() -> None:
    async with line() as at:
        await at.api.create(hello(), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        await to_zero(at)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(at.activator.hold(asked()))
            while at.get("Deployment.apps", DEPLOYMENT.name)["spec"]["replicas"] == 0:  # noqa: ASYNC110
                await asyncio.sleep(0)
            at.start_pod()
        assert waiting.result() == Forward("10.128.0.9:8012")
        assert at.facts.held(("demo", "hello-00001")) == 0


async def test_a_request_for_an_unknown_revision_is_not_held() -> None:
    async with line() as at:
        assert isinstance(await at.activator.hold(asked()), Reject)


async def test_requests_go_in_order_and_a_cancelled_one_leaves_no_demand() -> None:
    async with line() as at:
        await at.api.create(hello(containerConcurrency=1), manager="admin")
        await at.settle()
        async with asyncio.TaskGroup() as tasks:
            held = [tasks.create_task(at.activator.hold(asked())) for _ in range(3)]
            await asyncio.sleep(0.01)
            held[1].cancel()
            await asyncio.sleep(0.01)
            assert at.facts.held(("demo", "hello-00001")) == 2
            at.start_pod()
            await asyncio.sleep(0.01)
            assert [t.done() for t in held] == [True, True, False]
            at.start_pod(ip="10.128.0.10")
        assert [t.result() for t in (held[0], held[2])] == [
            Forward("10.128.0.9:8012"),
            Forward("10.128.0.10:8012"),
        ]


async def test_a_place_is_given_to_the_next_request_as_soon_as_the_pod_is_done() -> None:
    async with line() as at:
        await at.api.create(hello(containerConcurrency=1), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        busy = {"10.128.0.9": 1}

        async def ask(key: tuple[str, str]) -> dict[str, int]:
            return dict(busy)

        at.facts.ask_by(ask)
        await at.activator.hold(asked())
        async with asyncio.TaskGroup() as tasks:
            second = tasks.create_task(at.activator.hold(asked()))
            await asyncio.sleep(0.05)
            assert not second.done()
            busy["10.128.0.9"] = 0
            await asyncio.wait_for(second, 0.5)


async def test_a_failed_scrape_shows_on_the_metric_and_keeps_the_scale() -> None:
    async with line() as at:
        await at.api.create(hello(), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        key = ("demo", "hello-00001")
        at.facts.fail(key, "GET request returned HTTP status 503")
        await at.settle()
        metric = at.get("Metric.autoscaling.internal.knative.dev", "hello-00001")
        row = metric["status"]["conditions"][0]
        assert (row["status"], row["reason"]) == ("False", "CollectionFailed")
        assert "Failed to reconcile metric collection: " in row["message"]
        assert at.get("Deployment.apps", DEPLOYMENT.name)["spec"]["replicas"] == 1


async def test_measured_load_grows_the_deployment() -> None:
    async with line() as at:
        await at.api.create(hello(containerConcurrency=10), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        settings = autoscaler.collector.settings_for(at.get(PA, "hello-00001"), autoscaler.config.Config())
        at.facts.measure(("demo", "hello-00001"), Sample(30.0, 0.0), 1, settings)
        await at.settle()
        assert at.get("Deployment.apps", DEPLOYMENT.name)["spec"]["replicas"] == 5


def configure(at: Line, name: str, **data: str) -> None:
    """Change a ConfigMap of Serving."""
    stored = at.api.snapshot().get(Ref("ConfigMap", "knative-serving", name))
    assert stored is not None
    at.api.seed({**stored, "data": {**(stored.get("data") or {}), **data}})


async def test_what_is_running_follows_changed_settings() -> None:
    async with line() as at:
        await at.api.create(hello(), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        configure(at, "config-deployment", **{"queue-sidecar-cpu-request": "99m"})
        configure(at, "config-network", **{"enable-mesh-pod-addressability": "true"})
        configure(at, "config-domain", **{"other.example.org": ""})
        configure(
            at,
            "config-istio",
            **{"gateway.knative-serving.knative-ingress-gateway": "gw.x.svc.cluster.local"},
        )
        await at.settle()
        pod = at.get("Deployment.apps", "hello-00001-deployment")["spec"]["template"]["spec"]
        queue = next(c for c in pod["containers"] if c["name"] == "queue-proxy")
        assert queue["resources"]["requests"]["cpu"] == "99m"
        assert at.get("DestinationRule.networking.istio.io", "hello-00001-private")
        hosts = at.get("VirtualService.networking.istio.io", "hello-ingress")["spec"]["hosts"]
        assert "hello-demo.apps.openshift.example.com" in hosts
        balancer = at.get("Ingress.networking.internal.knative.dev", "hello")["status"]["publicLoadBalancer"]
        assert balancer == {"ingress": [{"domainInternal": "gw.x.svc.cluster.local"}]}


async def test_old_revisions_go_when_fewer_are_to_be_kept() -> None:
    async with line() as at:
        await at.api.create(hello(), manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        for seconds in (10, 20):
            patch = {"spec": {"template": {"spec": {"timeoutSeconds": seconds}}}}
            await at.api.patch(Ref("Service.serving.knative.dev", "demo", "hello"), patch, manager="admin")
            await at.settle()
            at.start_pod(f"hello-0000{seconds // 10 + 1}", f"10.128.0.{seconds}")
            await at.settle()
        revisions = at.api.snapshot().list("Revision.serving.knative.dev", "demo")
        assert {r["metadata"]["name"] for r in revisions} == {"hello-00001", "hello-00002", "hello-00003"}
        configure(at, "config-gc", **{"min-non-active-revisions": "0", "max-non-active-revisions": "0"})
        await at.settle()
        left = at.api.snapshot().list("Revision.serving.knative.dev", "demo")
        assert {r["metadata"]["name"] for r in left} == {"hello-00003"}


LOCAL = {"networking.knative.dev/visibility": "cluster-local"}


async def test_a_label_makes_the_service_or_one_tag_cluster_local() -> None:
    async with line() as at:
        obj = hello()
        obj["spec"]["traffic"] = [{"latestRevision": True, "percent": 100, "tag": "inner"}]
        await at.api.create(obj, manager="admin")
        await at.settle()
        at.start_pod()
        await at.settle()
        await at.api.patch(
            Ref("Service", "demo", "inner-hello"), {"metadata": {"labels": LOCAL}}, manager="admin"
        )
        await at.settle()
        status = at.get("Service.serving.knative.dev", "hello")["status"]
        assert status["url"] == "https://hello-demo.apps.openshift.example.com"
        assert status["traffic"][0]["url"] == "http://inner-hello.demo.svc.cluster.local"
        ref = Ref("Service.serving.knative.dev", "demo", "hello")
        await at.api.patch(ref, {"metadata": {"labels": LOCAL}}, manager="admin")
        await at.settle()
        assert at.get("Service.serving.knative.dev", "hello")["status"]["url"] == (
            "http://hello.demo.svc.cluster.local"
        )
        rules = at.get("Ingress.networking.internal.knative.dev", "hello")["spec"]["rules"]
        assert {rule["visibility"] for rule in rules} == {"ClusterLocal"}
