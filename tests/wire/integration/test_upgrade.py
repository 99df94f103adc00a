"""Exchanging the mesh: what goes first, which Routes are deleted, which pods are made anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hauberk.base.progress import Quiet
from hauberk.base.refs import Json, Ref
from hauberk.integration.install import Options, install
from hauberk.integration.load import parse
from hauberk.integration.stages import Stage
from hauberk.integration.upgrade import delete_stale_routes, upgrade
from hauberk.kinds.testing import a
from hauberk.kubeclient import Kube, Target, connect
from hauberk.testing.storing import storing

pytestmark = pytest.mark.wire
SM3 = parse(
    "apiVersion: hauberk/v1alpha1\nkind: Integration\nprofile: sm3\ndomain: apps.openshift.example.com\n"
    "members: [knative-serving, knative-eventing, shop]\n"
)
LABEL = {"serving.knative.openshift.io/ingressName": "hello"}
OLD, NEW = "istio-system", "knative-serving-ingress"


@pytest.fixture
async def kube(tmp_path: Path) -> AsyncIterator[Kube]:
    async with storing(tmp_path) as server:
        for name in (OLD, NEW, "shop", "knative-serving", "knative-eventing"):
            await server.api.create(a("Namespace", name))
        async with connect(Target(kubeconfig=server.kubeconfig())) as found:
            yield found


def route(name: str, namespace: str, service: str) -> Json:
    spec = {"host": f"{name}.apps.openshift.example.com", "to": {"kind": "Service", "name": service}}
    return a("Route.route.openshift.io", name, namespace, metadata={"labels": LABEL}, spec=spec)


async def admit(kube: Kube, ref: Ref, host: str) -> None:
    row = {"host": host, "conditions": [{"type": "Admitted", "status": "True"}]}
    await kube.patch(ref, {"status": {"ingress": [row]}}, subresource="status")


async def test_routes_to_the_old_gateway_go_and_no_other(kube: Kube):
    ports = [{"port": 80}]
    await kube.create(a("Service", "still-there", OLD, spec={"ports": ports}))
    await kube.create(route("stale", OLD, "istio-ingressgateway"))
    await kube.create(route("served", OLD, "still-there"))
    await kube.create(a("Route.route.openshift.io", "mine", OLD, spec=route("x", OLD, "gone")["spec"]))
    await kube.create(route("stale", NEW, "knative-istio-ingressgateway"))
    await admit(kube, Ref("Route.route.openshift.io", NEW, "stale"), "stale.apps.openshift.example.com")
    done = await delete_stale_routes(kube, NEW, Quiet())
    assert [(c.ref.namespace, c.ref.name) for c in done] == [(OLD, "stale")]
    left = {(r["metadata"]["namespace"], r["metadata"]["name"]) for r in await kube.list(ROUTE)}
    assert left == {(OLD, "served"), (OLD, "mine"), (NEW, "stale")}
    assert await delete_stale_routes(kube, NEW, Quiet()) == ()


ROUTE = "Route.route.openshift.io"


def stage(name: str, *objects: Json) -> Stage:
    return Stage(name=name, title=name, why="", objects=objects)


def configmap(name: str) -> Json:
    place = {"name": name, "namespace": OLD}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": place, "data": {}}


async def test_the_old_mesh_goes_before_the_new_one_comes(kube: Kube):
    plane = {
        "apiVersion": "maistra.io/v2",
        "kind": "ServiceMeshControlPlane",
        "metadata": {"name": "basic", "namespace": OLD},
        "spec": {},
    }
    before = (stage("20-plane", plane), stage("40-both", configmap("both")))
    await install(kube, before, Quiet())
    after = (stage("20-new", configmap("new-plane")), stage("40-both", configmap("both")))
    done, left = await upgrade(kube, SM3, after, Quiet(), Options())
    assert [(c.ref.name, c.action) for c in done] == [
        ("basic", "delete"),
        ("new-plane", "create"),
        ("both", "none"),
    ]
    assert left == ()
    again, _ = await upgrade(kube, SM3, after, Quiet(), Options())
    assert {c.action for c in again} == {"none"}
