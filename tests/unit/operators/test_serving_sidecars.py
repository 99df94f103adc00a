from __future__ import annotations

from typing import Any

import pytest

from hauberk.operators.knative_serving.sidecars import sidecar_problem
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

ASKED = {"sidecar.istio.io/inject": "true"}


def pod(app: str, *containers: str, **labels: str) -> dict[str, Any]:
    meta = {"name": app, "namespace": "knative-serving", "labels": {"app": app, **labels}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [{"name": name} for name in (app, *containers)]},
    }


def mesh(*members: str, mtls: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "maistra.io/v2",
            "kind": "ServiceMeshControlPlane",
            "metadata": {"name": "basic", "namespace": "istio-system"},
            "spec": {"security": {"dataPlane": {"mtls": mtls}}},
        },
        {
            "apiVersion": "maistra.io/v1",
            "kind": "ServiceMeshMemberRoll",
            "metadata": {"name": "default", "namespace": "istio-system"},
            "spec": {"members": list(members)},
        },
    ]


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([*mesh("knative-serving"), pod("activator", "istio-proxy"), pod("autoscaler", "istio-proxy")], ""),
        ([*mesh("knative-serving"), pod("activator"), pod("autoscaler", "istio-proxy")], "fail with 503"),
        ([*mesh("knative-serving"), pod("autoscaler")], "cannot scrape"),
        ([*mesh("knative-serving"), pod("activator")], "Set the label"),
        ([*mesh("knative-serving"), pod("activator", **ASKED)], "rollout restart"),
        ([*mesh("knative-serving", mtls=False), pod("activator"), pod("autoscaler")], ""),
        ([*mesh("default"), pod("activator")], "belongs to no mesh"),
    ],
)
def test_serving_outside_a_strict_mesh_is_told(objects: list[dict[str, Any]], said: str) -> None:
    api = MemoryApi(FakeClock())
    for obj in objects:
        api.seed(obj)
    problem = sidecar_problem(api.snapshot())
    assert said in problem
    assert bool(said) == bool(problem)
