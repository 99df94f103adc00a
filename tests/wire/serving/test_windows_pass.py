"""The life of an idle revision by the clock: active, inactive behind the activator, gone, and back."""

from __future__ import annotations

import asyncio

import pytest

from hauberk import autoscaler, serving
from hauberk.autoscaler.collector import config_of, settings_for
from hauberk.autoscaler.facts import Sample
from hauberk.base.conditions import condition
from hauberk.base.refs import Json, Ref
from hauberk.engine.engine import Engine
from hauberk.operators.knative_serving.settings import config_maps
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi
from hauberk.testing.recorder import KeptEvents

PA = Ref("PodAutoscaler.autoscaling.internal.knative.dev", "demo", "hello-00001")
SKS = Ref("ServerlessService.networking.internal.knative.dev", "demo", "hello-00001")
DEPLOYMENT = Ref("Deployment.apps", "demo", "hello-00001-deployment")
KEY = ("demo", "hello-00001")


def service(burst: str) -> Json:
    notes = {"autoscaling.knative.dev/target-burst-capacity": burst}
    spec = {"containers": [{"image": "hauberk.local/helloworld"}]}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "hello", "namespace": "demo"},
        "spec": {"template": {"metadata": {"annotations": notes}, "spec": spec}},
    }


def slice_of(service: str, namespace: str, ip: str) -> Json:
    labels = {"kubernetes.io/service-name": service}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {"name": f"{service}-x", "namespace": namespace, "labels": labels},
        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}}],
    }


@pytest.mark.parametrize(
    ("burst", "grace"),
    [("0", 30), ("211", 0)],
    ids=["the activator must come into the path first", "the activator is in the path already"],
)
async def test_an_idle_revision_goes_to_zero_after_its_windows(burst: str, grace: int) -> None:
    clock = FakeClock()
    api, facts = MemoryApi(clock, admission=serving.ADMISSION), autoscaler.Facts(clock)
    engine = Engine(api, [*serving.CONTROLLERS, *autoscaler.controllers(facts)], clock, KeptEvents())
    facts.listen(autoscaler.waker(engine.wake))
    for name, data in config_maps("example.com", istio=True).items():
        meta = {"name": name, "namespace": "knative-serving"}
        api.seed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)})
    api.seed(slice_of("activator-service", "knative-serving", "10.128.0.3"))

    def row(kind: str) -> str:
        found = condition(api.snapshot().get(PA), kind)
        return str(found["status"]) if found else "absent"

    def replicas() -> int:
        return int((api.snapshot().get(DEPLOYMENT) or {})["spec"]["replicas"])

    async def calm() -> None:
        for _ in range(200):
            await asyncio.sleep(0)

    async def second(pods: int) -> None:
        await clock.advance(1.0)
        found = api.snapshot().get(PA)
        assert found is not None
        facts.measure(KEY, Sample(0.0, 0.0), pods, settings_for(found, config_of(api.snapshot())))
        await calm()

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(engine.run())
        await api.create(service(burst), manager="admin")
        await calm()
        labels = (api.snapshot().get(DEPLOYMENT) or {})["spec"]["template"]["metadata"]["labels"]
        meta = {"name": "p", "namespace": "demo", "labels": labels}
        status = {"podIP": "10.128.0.9", "conditions": [{"type": "Ready", "status": "True"}]}
        api.seed({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": status})
        api.seed(slice_of("hello-00001-private", "demo", "10.128.0.9"))
        await calm()
        assert (row("Active"), replicas()) == ("True", 1)
        idle = 0
        while row("Active") == "True":
            await second(pods=1)
            idle += 1
            if idle == 30:
                assert (api.snapshot().get(SKS) or {})["spec"]["mode"] == (
                    "Serve" if burst == "0" else "Proxy"
                )
        assert 59 <= idle <= 62
        assert (api.snapshot().get(SKS) or {})["spec"]["mode"] == "Proxy"
        waited = 0
        while replicas() == 1:
            await second(pods=1)
            waited += 1
        assert grace <= waited <= grace + 2
        await api.delete(Ref("Pod", "demo", "p"), grace_s=0)
        await second(pods=0)
        assert (row("Active"), row("ScaleTargetInitialized")) == ("False", "True")
        facts.hold(KEY, 1)
        await calm()
        assert replicas() == 1
        running.cancel()
