from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref, ref_of
from hauberk.engine.plan import Plan
from hauberk.kinds.knative_operator.overrides import EnvOverride, Override, ProbeOverride, ResourceOverride
from hauberk.operators.knative_eventing.plan import World as EventingWorld
from hauberk.operators.knative_eventing.plan import plan as plan_eventing
from hauberk.operators.knative_serving.plan import World as ServingWorld
from hauberk.operators.knative_serving.plan import plan as plan_serving
from hauberk.operators.overrides import overridden

ISTIO: dict[str, Any] = {"ingress": {"istio": {"enabled": True}}}


def component(kind: str, namespace: str, annotations: dict[str, str] | None = None, **spec: Any) -> Any:
    metadata = {"name": namespace, "namespace": namespace, "annotations": annotations or {}}
    return {"apiVersion": "operator.knative.dev/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


def serving(
    annotations: dict[str, str] | None = None, namespace: str = "knative-serving", **spec: Any
) -> Plan:
    raw = component("KnativeServing", namespace, annotations, **spec)
    world = ServingWorld(
        serving=raw, domain="apps.example.com", deployments={}, kourier=(), gateway_problem=""
    )
    return plan_serving(world, 0.0)


def eventing(annotations: dict[str, str] | None = None, **spec: Any) -> Plan:
    raw = component("KnativeEventing", "knative-eventing", annotations, **spec)
    return plan_eventing(EventingWorld(eventing=raw, deployments={}), 0.0)


def named(result: Plan, kind: str) -> dict[str, Any]:
    return {c["metadata"]["name"]: c for c in (*result.children, *result.others) if c["kind"] == kind}


@pytest.mark.parametrize(
    ("istio", "kourier", "installed", "ingress_class"),
    [
        (False, False, {"kourier"}, "kourier"),
        (False, True, {"kourier"}, "kourier"),
        (True, False, {"istio"}, "istio"),
        (True, True, {"istio", "kourier"}, "kourier"),
    ],
)
def test_kourier_is_the_default_and_wins(
    istio: bool, kourier: bool, installed: set[str], ingress_class: str
) -> None:
    result = serving(ingress={"istio": {"enabled": istio}, "kourier": {"enabled": kourier}})
    names = set(named(result, "Deployment"))
    assert ("net-istio-controller" in names) is ("istio" in installed)
    assert ("3scale-kourier-gateway" in names) is ("kourier" in installed)
    data = named(result, "ConfigMap")["config-network"]["data"]
    assert data["ingress-class"] == f"{ingress_class}.ingress.networking.knative.dev"


@pytest.mark.parametrize(
    ("config", "name", "data"),
    [
        ({}, "config-domain", {"apps.example.com": ""}),
        ({}, "config-observability", {"metrics.backend-destination": "none"}),
        (
            {"observability": {"metrics.backend-destination": "prometheus"}},
            "config-observability",
            {"metrics.backend-destination": "prometheus"},
        ),
        ({"istio": {"a": "b"}}, "config-istio", {"a": "b"}),
        ({"config-istio": {"a": "b"}}, "config-istio", {"a": "b"}),
        (
            {"autoscaler": {"enable-scale-to-zero": True}},
            "config-autoscaler",
            {"enable-scale-to-zero": "true"},
        ),
        (
            {"network": {"domainTemplate": "x"}},
            "config-network",
            {
                "domainTemplate": "x",
                "ingress-class": "istio.ingress.networking.knative.dev",
                "default-external-scheme": "https",
                "autocreate-cluster-domain-claims": "true",
            },
        ),
    ],
)
def test_config_reaches_the_config_maps_and_defaults_fill_the_silence(
    config: dict[str, Any], name: str, data: dict[str, str]
) -> None:
    assert named(serving(**ISTIO, config=config), "ConfigMap")[name]["data"] == data


def test_the_documents_overrides_reach_the_pods_of_activator_and_autoscaler() -> None:
    row = {
        "labels": {"sidecar.istio.io/inject": "true"},
        "annotations": {"sidecar.istio.io/rewriteAppHTTPProbers": "true"},
    }
    names = ("activator", "autoscaler")
    found = named(serving(**ISTIO, deployments=[{"name": n, **row} for n in names]), "Deployment")
    for name, deployment in found.items():
        metadata = deployment["spec"]["template"]["metadata"]
        assert ("sidecar.istio.io/inject" in metadata["labels"]) is (name in names)
    assert (
        found["activator"]["spec"]["template"]["metadata"]["annotations"].items()
        >= row["annotations"].items()
    )


@pytest.mark.parametrize(
    ("annotations", "policies"),
    [
        ({}, {"webhook", "net-istio-webhook", "allow-from-openshift-monitoring-ns"}),
        ({"serverless.openshift.io/disable-istio-net-policies-generation": "true"}, set()),
    ],
)
def test_the_annotation_turns_network_policies_off_and_leaves_the_webhooks_reachable(
    annotations: dict[str, str], policies: set[str]
) -> None:
    result = serving(annotations, **ISTIO)
    assert set(named(result, "NetworkPolicy")) == policies
    assert set(named(result, "PeerAuthentication")) == {"webhook", "net-istio-webhook"}


def test_kourier_brings_no_mesh_policies() -> None:
    result = serving()
    assert not named(result, "NetworkPolicy")
    assert not named(result, "PeerAuthentication")


def test_high_availability_sets_replicas_and_an_override_goes_before_it() -> None:
    spec = {"high-availability": {"replicas": 2}, "workloads": [{"name": "webhook", "replicas": 3}]}
    found = named(serving(**ISTIO, **spec), "Deployment")
    assert found["activator"]["spec"]["replicas"] == 2
    assert found["webhook"]["spec"]["replicas"] == 3


def test_waiting_deployments_are_named_in_upstreams_condition() -> None:
    status = serving(**ISTIO).status
    assert status is not None
    rows = {c["type"]: c for c in status["conditions"]}
    assert rows["DeploymentsAvailable"]["reason"] == "NotReady"
    assert rows["DeploymentsAvailable"]["message"].startswith("Waiting on deployments: activator, autoscaler")
    assert rows["Ready"]["status"] == "False"
    assert rows["InstallSucceeded"]["status"] == "True"


def test_serving_in_another_namespace_is_refused_as_openshift_refuses_it() -> None:
    result = serving(namespace="elsewhere")
    assert result.children == ()
    assert result.status is not None
    assert "must be installed into the namespace" in result.status["conditions"][0]["message"]


def test_kourier_objects_that_are_no_longer_wanted_go() -> None:
    stale = Ref("Deployment.apps", "knative-serving-ingress", "3scale-kourier-gateway")
    raw = component("KnativeServing", "knative-serving", **ISTIO)
    world = ServingWorld(serving=raw, domain="", deployments={}, kourier=(stale,), gateway_problem="")
    assert plan_serving(world, 0.0).gone == (stale,)


@pytest.mark.parametrize(("istio", "replicas"), [("enabled", 1), ("disabled", 0)])
def test_features_istio_starts_the_eventing_istio_controller(istio: str, replicas: int) -> None:
    found = named(eventing(config={"features": {"istio": istio}}), "Deployment")
    assert found["eventing-istio-controller"]["spec"]["replicas"] == replicas
    assert found["pingsource-mt-adapter"]["spec"]["replicas"] == 0


def test_eventing_says_which_components_are_placeholders() -> None:
    result = eventing()
    assert result.status is not None
    deployments = named(result, "Deployment")
    marked = {
        name
        for name, deployment in deployments.items()
        if deployment["spec"]["template"]["metadata"]["annotations"].get("hauberk.dev/placeholder") == "true"
    }
    row = next(c for c in result.status["conditions"] if c["type"] == "ComponentsActive")
    assert row["severity"] == "Info"
    assert (row["status"] == "True") == (not marked)
    assert all(name in row.get("message", "") for name in marked)
    assert not marked & {"mt-broker-ingress", "mt-broker-filter", "imc-dispatcher", "eventing-controller"}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("mt-broker-ingress", "broker-ingress"),
        ("mt-broker-filter", "broker-filter"),
        ("imc-dispatcher", "imc-dispatcher"),
    ],
)
def test_what_carries_events_is_a_process_of_its_role(name: str, role: str) -> None:
    template = named(eventing(), "Deployment")[name]["spec"]["template"]
    container = template["spec"]["containers"][0]
    assert (container["image"], container["args"]) == ("hauberk.local/eventing", [role])
    assert template["metadata"]["labels"]["hauberk.dev/role"] == role
    assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 8080}
    selector = named(eventing(), "Deployment")[name]["spec"]["selector"]["matchLabels"]
    assert "hauberk.dev/role" not in selector


def test_every_name_in_the_plan_is_unique() -> None:
    for result in (serving(**ISTIO), serving(), eventing(config={"features": {"istio": "enabled"}})):
        refs = [ref_of(c) for c in (*result.children, *result.others)]
        assert len(refs) == len(set(refs))


def test_overrides_change_only_what_they_name() -> None:
    container = {
        "name": "c",
        "env": [{"name": "A", "value": "1"}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"port": 1}, "periodSeconds": 5},
    }
    deployment = {
        "metadata": {"name": "d", "labels": {"a": "b"}},
        "spec": {"replicas": 1, "template": {"metadata": {}, "spec": {"containers": [container]}}},
    }
    override = Override(
        name="d",
        env=(
            EnvOverride(container="c", env_vars=({"name": "A", "value": "2"}, {"name": "B", "value": "3"})),
        ),
        resources=(ResourceOverride(container="c", limits={"cpu": "2"}),),
        readiness_probes=(ProbeOverride(container="c", period_seconds=9),),
    )
    other = Override(name="other", replicas=7)
    out = overridden(deployment, (override, other))
    (changed,) = out["spec"]["template"]["spec"]["containers"]
    assert changed["env"] == [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]
    assert changed["resources"] == {"limits": {"cpu": "2", "memory": "1Gi"}}
    assert changed["readinessProbe"] == {"httpGet": {"port": 1}, "periodSeconds": 9}
    assert out["spec"]["replicas"] == 1
    assert deployment["spec"]["template"]["spec"]["containers"] == [container]  # type: ignore[index]


@pytest.mark.parametrize(("has_pings", "replicas"), [(False, 0), (True, 1)])
def test_the_ping_sources_adapter_runs_while_there_are_any(has_pings: bool, replicas: int) -> None:
    raw = component("KnativeEventing", "knative-eventing")
    found = plan_eventing(EventingWorld(eventing=raw, deployments={}, has_pings=has_pings), 0.0)
    assert named(found, "Deployment")["pingsource-mt-adapter"]["spec"]["replicas"] == replicas


def test_the_job_sink_may_make_jobs_and_secrets() -> None:
    found = eventing()
    (role,) = named(found, "ClusterRole").values()
    (binding,) = named(found, "ClusterRoleBinding").values()
    granted = {(rule["resources"][0], verb) for rule in role["rules"] for verb in rule["verbs"]}
    assert {("jobs", "create"), ("jobs", "get"), ("secrets", "create")} <= granted
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"][0]["name"] == "job-sink"
