"""What the operators make of the document's own manifests, whole. UPDATE_GOLDEN=1 rewrites the files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hauberk.base.refs import Json
from hauberk.kinds import BY_ID
from hauberk.operators.control_plane.plan import World as MeshWorld
from hauberk.operators.control_plane.plan import plan as plan_mesh
from hauberk.operators.injection.admit import injected
from hauberk.operators.knative_eventing.plan import World as EventingWorld
from hauberk.operators.knative_eventing.plan import plan as plan_eventing
from hauberk.operators.knative_serving.plan import World as ServingWorld
from hauberk.operators.knative_serving.plan import plan as plan_serving
from hauberk.operators.mesh_settings import settings_of
from hauberk.operators.names import CONTROL_PLANE

HERE = Path(__file__).parent
DOCUMENT = Path(__file__).parents[3] / "examples" / "document"


def document(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((DOCUMENT / name).read_text())
    raw["metadata"] |= {"uid": "uid", "generation": 1}
    return raw


def smcp() -> dict[str, Any]:
    return BY_ID[CONTROL_PLANE].default(document("01-smcp.yaml"))


def serving(raw: Mapping[str, Any]) -> list[Json]:
    world = ServingWorld(
        serving=raw, domain="apps.openshift.example.com", deployments={}, kourier=(), gateway_problem=""
    )
    plan = plan_serving(world, 0.0)
    return [*plan.children, *plan.others, {"status": plan.status}]


def mesh_objects() -> list[Json]:
    raw = smcp()
    plan = plan_mesh(MeshWorld(smcp=raw, first=raw, deployments={}), 0.0)
    return [*plan.children, {"status": plan.status}]


def serving_on_istio() -> list[Json]:
    return serving(document("04-knative-serving-config.yaml"))


def serving_on_kourier() -> list[Json]:
    return serving({**document("04-knative-serving-config.yaml"), "spec": {}})


def eventing_objects() -> list[Json]:
    raw = document("05-knative-eventing-config.yaml")
    plan = plan_eventing(EventingWorld(eventing=raw, deployments={}), 0.0)
    return [*plan.children, {"status": plan.status}]


def injected_activator() -> list[Json]:
    (deployment,) = [o for o in serving_on_istio() if o.get("metadata", {}).get("name") == "activator"][1:]
    template = deployment["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "generateName": "activator-"}
    return [injected(pod, "knative-serving", settings_of(smcp()))]


CASES: tuple[Callable[[], list[Json]], ...] = (
    mesh_objects,
    serving_on_istio,
    serving_on_kourier,
    eventing_objects,
    injected_activator,
)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
def test_what_is_made_is_as_it_was(case: Callable[[], list[Json]]) -> None:
    path = HERE / f"{case.__name__.replace('_', '-')}-out.yaml"
    made = yaml.safe_dump_all([dict(o) for o in case()], sort_keys=True, width=110)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(made)
    assert made == path.read_text()
