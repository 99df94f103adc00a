"""The workload controllers at work in one engine, with a node that answers at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hauberk.apiserver import Server
from hauberk.base.apierrors import Invalid, NotFound
from hauberk.base.refs import Json, Ref, controller_of, is_deleting, ref_of
from hauberk.engine.clock import SystemClock
from hauberk.engine.engine import Engine, settle
from hauberk.ports import Api
from hauberk.store import Store
from hauberk.testing.memory_api import MemoryApi
from hauberk.testing.recorder import KeptEvents
from hauberk.workloads import ADMISSION, bootstrap_objects, controllers

DEPLOYMENT = Ref("Deployment.apps", "default", "web")
PORTS = [{"name": "http", "containerPort": 80}]
NOW = "2026-01-01T00:00:00Z"

WEB = {"kubernetes.io/service-name": "web"}


class Cluster:
    """An API, an engine, and a node without processes."""

    def __init__(self, api: Api) -> None:
        self.clock = SystemClock()
        self.api = api
        self.log: list[Ref] = []
        self.recorder = KeptEvents()
        rows = controllers(lambda: "ROOT")
        self.engine = Engine(self.api, rows, self.clock, self.recorder)
        self.broken_images: set[str] = set()
        self.most_pods = 0
        self.least_ready = 10**6
        self.ips = iter(range(2, 250))

    async def node(self) -> None:
        """Bind pods, make them ready, end them when they are deleted."""
        async for batch in self.api.watch(since=0):
            self.log += [ref_of(event.obj) for event in batch]
            for event in (e for e in batch if e.obj["kind"] == "Pod"):
                pod = self.api.snapshot().get(ref_of(event.obj))
                if pod is not None:
                    await self._serve(pod)
            self._measure()

    async def _serve(self, pod: Json) -> None:
        ref = ref_of(pod)
        if is_deleting(pod):
            await self.api.delete(ref, grace_s=0)
        elif not pod["spec"].get("nodeName"):
            await self.api.patch(ref, {"spec": {"nodeName": "hauberk"}})
        elif not pod.get("status", {}).get("podIP"):
            ready = "False" if pod["spec"]["containers"][0]["image"] in self.broken_images else "True"
            condition = {"type": "Ready", "status": ready, "lastTransitionTime": NOW}
            status = {"phase": "Running", "podIP": f"10.128.0.{next(self.ips)}", "conditions": [condition]}
            await self.api.patch(ref, {"status": status}, subresource="status")

    def _measure(self) -> None:
        self.most_pods = max(self.most_pods, len([p for p in self.pods() if not is_deleting(p)]))

    def pods(self) -> Sequence[Json]:
        return self.api.snapshot().list("Pod", "default")

    async def calm(self) -> None:
        await settle(self.engine, self.clock, quiet_s=0.03)

    def get(self, ref: Ref) -> Any:
        found = self.api.snapshot().get(ref)
        assert found is not None, ref
        return found


def memory_api(_folder: Path) -> Api:
    return MemoryApi(SystemClock(), ADMISSION)


def server(folder: Path) -> Api:
    return Server(Store.open(folder / "state.db"), clock=SystemClock(), admission=ADMISSION)


@pytest.fixture(params=[memory_api, server], ids=lambda f: f.__name__)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The same tests against the double and against the real server."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Cluster]:
        api = request.param(tmp_path)
        async with running(api) as it:
            yield it

    return opened


@asynccontextmanager
async def running(api: Api) -> AsyncIterator[Cluster]:
    it = Cluster(api)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for obj in bootstrap_objects():
            await it.api.create(obj)
        running = [tasks.create_task(it.engine.run()), tasks.create_task(it.node())]
        try:
            yield it
        finally:
            for task in running:
                task.cancel()


def deployment(replicas: int = 2, image: str = "a:1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": image, "ports": PORTS}]},
            },
            **spec,
        },
    }  # fmt: skip


def service(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}], **spec},
    }


async def test_a_deployment_becomes_ready_pods_and_the_second_look_writes_nothing(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment())
        await it.calm()
        stored = it.get(DEPLOYMENT)
        assert stored["status"]["readyReplicas"] == 2
        assert stored["status"]["observedGeneration"] == 1
        reasons = {c["type"]: c["reason"] for c in stored["status"]["conditions"]}
        assert reasons == {"Progressing": "NewReplicaSetAvailable", "Available": "MinimumReplicasAvailable"}
        assert stored["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
        before = len(it.log)
        for name, kind in (("deployment", "Deployment.apps"), ("replicaset", "ReplicaSet.apps")):
            for obj in it.api.snapshot().list(kind):
                it.engine.wake(name, ref_of(obj))
        await it.calm()
        assert it.log[before:] == []


async def test_scale_to_zero_and_back_uses_the_same_replica_set(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(1))
        await it.calm()
        await it.api.patch(DEPLOYMENT, {"spec": {"replicas": 0}})
        await it.calm()
        assert it.pods() == ()
        assert "readyReplicas" not in it.get(DEPLOYMENT)["status"]
        await it.api.patch(DEPLOYMENT, {"spec": {"replicas": 1}})
        await it.calm()
        assert len(it.pods()) == 1
        assert len(it.api.snapshot().list("ReplicaSet.apps")) == 1
        texts = [message for _, reason, message in it.recorder.seen if reason == "ScalingReplicaSet"]
        assert [t.rpartition(" from ")[2] for t in texts] == ["0 to 1", "1 to 0", "0 to 1"]


async def test_a_new_template_rolls_over_and_keeps_its_history(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(4))
        await it.calm()
        await it.api.apply(deployment(4, "a:2"), manager="kubectl")
        await it.calm()
        assert {p["spec"]["containers"][0]["image"] for p in it.pods()} == {"a:2"}
        assert len(it.pods()) == 4
        assert it.most_pods <= 5
        sets = it.api.snapshot().list("ReplicaSet.apps")
        assert sorted(s["spec"]["replicas"] for s in sets) == [0, 4]
        assert it.get(DEPLOYMENT)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
        await it.api.apply(deployment(4, "a:1"), manager="kubectl")
        await it.calm()
        assert len(it.api.snapshot().list("ReplicaSet.apps")) == 2
        assert it.get(DEPLOYMENT)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_a_history_limit_of_zero_drops_old_replica_sets(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(1, revisionHistoryLimit=0))
        await it.calm()
        await it.api.apply(deployment(1, "a:2", revisionHistoryLimit=0), manager="kubectl")
        await it.calm()
        assert len(it.api.snapshot().list("ReplicaSet.apps")) == 1


async def test_a_broken_image_stops_the_rollout_with_most_old_pods_alive(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(4))
        await it.calm()
        it.broken_images.add("a:2")
        await it.api.apply(deployment(4, "a:2", progressDeadlineSeconds=1), manager="kubectl")
        await it.calm()
        good = [p for p in it.pods() if p["spec"]["containers"][0]["image"] == "a:1"]
        assert len(good) == 3
        await asyncio.sleep(2.1)
        rows = {c["type"]: c for c in it.get(DEPLOYMENT)["status"]["conditions"]}
        assert rows["Progressing"]["reason"] == "ProgressDeadlineExceeded"
        assert rows["Available"]["status"] == "True"


async def test_recreate_ends_all_old_pods_first(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(2, strategy={"type": "Recreate"}))
        await it.calm()
        await it.api.apply(deployment(2, "a:2", strategy={"type": "Recreate"}), manager="kubectl")
        await it.calm()
        assert it.most_pods == 2
        assert {p["spec"]["containers"][0]["image"] for p in it.pods()} == {"a:2"}


async def test_a_deleted_pod_is_replaced_and_a_matching_stray_is_adopted(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(2))
        await it.calm()
        first = it.pods()[0]
        await it.api.delete(ref_of(first))
        await it.calm()
        names = {p["metadata"]["name"] for p in it.pods()}
        assert len(names) == 2
        assert first["metadata"]["name"] not in names
        (rs,) = it.api.snapshot().list("ReplicaSet.apps")
        labels = rs["spec"]["template"]["metadata"]["labels"]
        stray = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "stray", "namespace": "default", "labels": labels},
            "spec": {"containers": [{"name": "c", "image": "a:1"}]},
        }  # fmt: skip
        await it.api.create(stray)
        await it.calm()
        assert len(it.pods()) == 2
        assert all((controller_of(p) or {}).get("uid") == rs["metadata"]["uid"] for p in it.pods())


async def test_a_relabelled_pod_is_given_up_and_replaced(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(1))
        await it.calm()
        (pod,) = it.pods()
        await it.api.patch(ref_of(pod), {"metadata": {"labels": {"app": "quarantine"}}})
        await it.calm()
        assert len(it.pods()) == 2
        assert controller_of(it.get(ref_of(pod))) is None


async def test_a_service_has_an_address_and_follows_its_pods(cluster: Any) -> None:
    async with cluster() as it:
        stored = await it.api.create(service())
        assert stored["spec"]["clusterIP"].startswith("172.30.")
        assert stored["spec"]["clusterIPs"] == [stored["spec"]["clusterIP"]]
        await it.api.create(deployment(2))
        await it.calm()
        (part,) = it.api.snapshot().list("EndpointSlice.discovery.k8s.io", "default", WEB)
        assert part["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
        assert [e["conditions"] for e in part["endpoints"]] == [
            {"ready": True, "serving": True, "terminating": False}
        ] * 2
        assert part["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
        endpoints = it.get(Ref("Endpoints", "default", "web"))
        assert len(endpoints["subsets"][0]["addresses"]) == 2
        await it.api.patch(DEPLOYMENT, {"spec": {"replicas": 0}})
        await it.calm()
        (same,) = it.api.snapshot().list("EndpointSlice.discovery.k8s.io", "default", WEB)
        assert same["metadata"]["uid"] == part["metadata"]["uid"]
        assert same["endpoints"] == []


async def test_endpoints_of_a_service_without_selector_are_mirrored(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(service(selector=None, ports=[{"name": "http", "port": 80}]))
        await it.api.create(
            {
                "apiVersion": "v1",
                "kind": "Endpoints",
                "metadata": {"name": "web", "namespace": "default", "labels": {"a": "b"}},
                "subsets": [{"addresses": [{"ip": "10.0.0.9"}], "ports": [{"name": "http", "port": 8012}]}],
            }
        )
        await it.calm()
        (part,) = it.api.snapshot().list("EndpointSlice.discovery.k8s.io", "default", WEB)
        assert part["endpoints"] == [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}]
        assert part["ports"] == [{"name": "http", "port": 8012, "protocol": "TCP"}]
        labels = part["metadata"]["labels"]
        assert labels["endpointslice.kubernetes.io/managed-by"] == "endpointslicemirroring-controller.k8s.io"
        assert labels["a"] == "b"


async def test_every_namespace_has_its_account_and_root_certificate(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}})
        await it.calm()
        assert it.get(Ref("ServiceAccount", "apps", "default"))
        assert it.get(Ref("ConfigMap", "apps", "kube-root-ca.crt"))["data"] == {"ca.crt": "ROOT"}
        await it.api.delete(Ref("ServiceAccount", "apps", "default"))
        await it.calm()
        assert it.get(Ref("ServiceAccount", "apps", "default"))


async def test_pods_see_their_namespace_and_the_root_certificate(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(1))
        await it.calm()
        (pod,) = it.pods()
        (volume,) = pod["spec"]["volumes"]
        assert volume["name"].startswith("kube-api-access-")
        assert [next(iter(s)) for s in volume["projected"]["sources"]] == [
            "serviceAccountToken",
            "configMap",
            "downwardAPI",
        ]
        (mount,) = pod["spec"]["containers"][0]["volumeMounts"]
        assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.mark.parametrize(
    ("ip", "text"),
    [
        ("172.30.0.1", "provided IP is already allocated"),
        ("172.30.0.10", "provided IP is already allocated"),
        ("10.0.0.1", "the provided IP (10.0.0.1) is not in the valid range"),
    ],
)
async def test_an_address_that_cannot_be_had_is_refused(cluster: Any, ip: str, text: str) -> None:
    async with cluster() as it:
        with pytest.raises(Invalid, match=r"spec\.clusterIPs: Invalid value") as caught:
            await it.api.create(service(clusterIP=ip))
        assert text in caught.value.message


async def test_fixed_fields_are_refused_in_upstreams_words(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(1))
        await it.calm()
        labels = {"app": "other"}
        other = deployment(1, selector={"matchLabels": labels})
        other["spec"]["template"]["metadata"]["labels"] = labels
        with pytest.raises(Invalid, match=r"spec.selector: Invalid value: .*: field is immutable"):
            await it.api.apply(other, manager="kubectl")
        (pod,) = it.pods()
        with pytest.raises(Invalid, match="spec: Forbidden: pod updates may not change fields other than"):
            await it.api.patch(ref_of(pod), {"spec": {"restartPolicy": "Never"}})
        await it.api.create(service())
        with pytest.raises(Invalid, match="may not change once set"):
            await it.api.patch(Ref("Service", "default", "web"), {"spec": {"clusterIP": "172.30.7.7"}})


async def test_a_pod_that_is_refused_is_told_by_its_replica_set(cluster: Any) -> None:
    async with cluster() as it:
        wanted = deployment(1)
        wanted["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
        await it.api.create(wanted)
        await asyncio.sleep(0.1)
        (message,) = {m for _, reason, m in it.recorder.seen if reason == "FailedCreate"}
        assert 'serviceaccount "nobody" not found' in message


async def test_a_change_reaches_its_pod_within_milliseconds(cluster: Any) -> None:
    async with cluster() as it:
        await it.api.create(deployment(0))
        await it.calm()
        started = time.monotonic()
        await it.api.patch(DEPLOYMENT, {"spec": {"replicas": 1}})
        while not it.pods():  # noqa: ASYNC110 - what is measured is how soon
            await asyncio.sleep(0)
        took = time.monotonic() - started
        print(f"deployment to pod: {took * 1000:.2f} ms")
        with pytest.raises(NotFound):
            await it.api.delete(Ref("Pod", "default", "absent"))
