"""What the operators' resources make, keep and say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
AT = ("-n", "knative-serving")
INJECT = {"sidecar.istio.io/inject": "true"}


def patch(site: Any, spec: Any) -> None:
    body = json.dumps({"spec": spec})
    site.cluster.must("patch", "knativeserving", "knative-serving", *AT, "--type=merge", "-p", body)


def test_overrides_reach_the_deployment_and_leave_with_the_override(mesh: Any) -> None:
    before = mesh.get("knativeserving", "knative-serving", "knative-serving")["spec"]["deployments"]
    extra = {
        "name": "webhook",
        "replicas": 2,
        "annotations": {"example.com/note": "kept"},
        "labels": {"example.com/team": "blue"},
        "env": [{"container": "webhook", "envVars": [{"name": "EXTRA", "value": "1"}]}],
        "resources": [{"container": "webhook", "limits": {"memory": "300Mi"}}],
    }
    try:
        patch(mesh, {"deployments": [*before, extra]})
        found = eventually(
            lambda: (d := mesh.get("deployment", "webhook", "knative-serving"))["spec"]["replicas"] == 2 and d
        )
        template = found["spec"]["template"]
        (container,) = template["spec"]["containers"]
        assert template["metadata"]["annotations"]["example.com/note"] == "kept"
        assert template["metadata"]["labels"]["example.com/team"] == "blue"
        assert {"name": "EXTRA", "value": "1"} in container["env"]
        assert container["resources"]["limits"]["memory"] == "300Mi"
        eventually(
            lambda: mesh.get("deployment", "webhook", "knative-serving")["status"].get("readyReplicas") == 2
        )
    finally:
        patch(mesh, {"deployments": before})
    eventually(lambda: mesh.get("deployment", "webhook", "knative-serving")["spec"]["replicas"] == 1)
    mesh.cluster.must("rollout", "status", "deployment/webhook", *AT, "--timeout=20s")


def test_a_deleted_deployment_and_an_edited_config_come_back(mesh: Any) -> None:
    uid = mesh.get("deployment", "controller", "knative-serving")["metadata"]["uid"]
    mesh.cluster.must("delete", "deployment", "controller", *AT, "--wait=false")

    def is_back() -> bool:
        ran = mesh.cluster.run("get", "deployment", "controller", *AT, "-o", "json")
        return ran.ok and json.loads(ran.out)["metadata"]["uid"] != uid

    eventually(is_back, what="the Deployment again")
    wrong = '{"data":{"stable-window":"500s"}}'
    mesh.cluster.must("patch", "cm", "config-autoscaler", *AT, "--type=merge", "-p", wrong)
    eventually(
        lambda: mesh.get("cm", "config-autoscaler", "knative-serving")["data"]["stable-window"] == "6s",
        what="the operator's value again",
    )
    mesh.cluster.must("rollout", "status", "deployment/controller", *AT, "--timeout=20s")


def test_every_component_of_eventing_does_its_work(mesh: Any) -> None:
    status = mesh.get("knativeeventing", "knative-eventing", "knative-eventing")["status"]
    (row,) = [c for c in status["conditions"] if c["type"] == "ComponentsActive"]
    assert row["status"] == "True"


def test_the_control_plane_reports_its_components(mesh: Any) -> None:
    status = mesh.get("servicemeshcontrolplane", "basic", "istio-system")["status"]
    components = status["readiness"]["components"]
    assert set(components["ready"]) >= {"istio-discovery", "istio-ingress", "istio-egress"}
    assert not components["pending"]
    assert not components["unready"]
