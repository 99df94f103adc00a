from __future__ import annotations

from typing import Any

import pytest
import yaml

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Plan
from hauberk.operators.control_plane.plan import World, plan


def smcp(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "basic", "namespace": "istio-system", "uid": "1", "generation": 1}
    return {
        "apiVersion": "maistra.io/v2",
        "kind": "ServiceMeshControlPlane",
        "metadata": metadata,
        "spec": {"version": "v2.6", "profiles": ["default"], **spec},
    }


def deployment(name: str, available: bool = True) -> dict[str, Any]:
    row = {"type": "Available", "status": "True" if available else "False"}
    return {"metadata": {"name": name, "generation": 1}, "status": {"conditions": [row]}}


ALL = ("istiod-basic", "istio-ingressgateway", "istio-egressgateway")


def planned(raw: dict[str, Any], *deployments: dict[str, Any], first: Json | None = None) -> Plan:
    found = {d["metadata"]["name"]: d for d in deployments}
    return plan(World(smcp=raw, first=first or raw, deployments=found), 0.0)


def child(result: Plan, kind: str, name: str) -> Any:
    return {ref_of(c): c for c in result.children}.get(Ref(kind, "istio-system", name))


@pytest.mark.parametrize(("mtls", "mode", "rule"), [(True, "STRICT", True), (False, "PERMISSIVE", False)])
def test_mtls_on_means_strict_and_clients_that_speak_it(mtls: bool, mode: str, rule: bool) -> None:
    result = planned(smcp(security={"dataPlane": {"mtls": mtls}}))
    policy = child(result, "PeerAuthentication.security.istio.io", "default")
    assert policy["spec"] == {"mtls": {"mode": mode}}
    found = child(result, "DestinationRule.networking.istio.io", "default")
    assert (found is not None) is rule
    if rule:
        assert found["spec"]["host"] == "*.cluster.local"


def test_service_labels_reach_the_service_the_pods_and_both_selectors() -> None:
    labels = {"knative": "ingressgateway"}
    result = planned(smcp(gateways={"ingress": {"service": {"metadata": {"labels": labels}}}}))
    wanted = {"app": "istio-ingressgateway", "istio": "ingressgateway", **labels}
    service = child(result, "Service", "istio-ingressgateway")
    workload = child(result, "Deployment.apps", "istio-ingressgateway")
    assert service["spec"]["selector"] == wanted
    assert service["metadata"]["labels"].items() >= wanted.items()
    assert workload["spec"]["selector"]["matchLabels"] == wanted
    assert workload["spec"]["template"]["metadata"]["labels"].items() >= wanted.items()


def test_the_ingress_gateway_has_the_ports_of_the_documents_preflight() -> None:
    service = child(planned(smcp()), "Service", "istio-ingressgateway")
    ports = [(p["name"], p["port"], p["targetPort"]) for p in service["spec"]["ports"]]
    assert ports == [("status-port", 15021, 15021), ("http2", 80, 8080), ("https", 443, 8443)]
    assert service["spec"]["type"] == "ClusterIP"


@pytest.mark.parametrize(
    ("gateways", "names"),
    [
        ({}, {"istio-ingressgateway", "istio-egressgateway"}),
        ({"egress": {"enabled": False}}, {"istio-ingressgateway"}),
        ({"enabled": False}, set()),
        ({"egress": {"enabled": False}, "additionalIngress": {"mine": {}}}, {"istio-ingressgateway", "mine"}),
    ],
)
def test_the_default_profile_enables_both_gateways_and_the_admin_decides(
    gateways: dict[str, Any], names: set[str]
) -> None:
    result = planned(smcp(gateways=gateways))
    found = {c["metadata"]["name"] for c in result.children if c["kind"] == "Deployment"}
    assert found == {"istiod-basic", *names}


def test_tech_preview_mesh_config_reaches_the_mesh_config_map() -> None:
    drain = {"defaultConfig": {"terminationDrainDuration": "35s"}}
    result = planned(smcp(techPreview={"meshConfig": drain}))
    config = yaml.safe_load(child(result, "ConfigMap", "istio-basic")["data"]["mesh"])
    assert config["defaultConfig"]["terminationDrainDuration"] == "35s"
    assert config["rootNamespace"] == "istio-system"


@pytest.mark.parametrize(
    ("found", "reason", "pending", "unready", "count"),
    [
        ((), "ComponentsNotReady", ["istio-discovery", "istio-egress", "istio-ingress"], [], "1/4"),
        (
            (deployment(ALL[0]), deployment(ALL[1], available=False), deployment(ALL[2])),
            "ComponentsNotReady",
            [],
            ["istio-ingress"],
            "3/4",
        ),
        (tuple(map(deployment, ALL)), "ComponentsReady", [], [], "4/4"),
    ],
)
def test_components_fold_into_ready(
    found: tuple[dict[str, Any], ...], reason: str, pending: list[str], unready: list[str], count: str
) -> None:
    raw = smcp()
    raw["status"] = planned(raw, *found).status
    row = condition(raw, "Ready")
    assert row is not None
    assert row["reason"] == reason
    components = raw["status"]["readiness"]["components"]
    assert (components["pending"], components["unready"]) == (pending, unready)
    assert raw["status"]["annotations"]["readyComponentCount"] == count


def test_addons_of_the_profile_are_named_as_not_there() -> None:
    status = planned(smcp(), *map(deployment, ALL)).status
    assert status is not None
    assert "kiali" in status["conditions"][-1]["message"]


@pytest.mark.parametrize(
    ("raw", "first", "text"),
    [
        (smcp(profiles=["nope"]), None, "no such profile"),
        (smcp(version="v1.0"), None, "versions are supported"),
        (smcp(), {"metadata": {"uid": "other"}}, "only one service mesh"),
    ],
)
def test_a_mesh_that_cannot_be_installed_says_why_and_makes_nothing(
    raw: dict[str, Any], first: Json | None, text: str
) -> None:
    result = planned(raw, first=first)
    assert result.children == ()
    assert result.status is not None
    assert {c["reason"] for c in result.status["conditions"]} == {"InstallError", "ReconcileError"}
    assert all(text in c["message"] for c in result.status["conditions"])


def settled(raw: dict[str, Any], generation: int = 1) -> dict[str, Any]:
    """The control plane as it is once that generation was carried out."""
    rows = [{"type": "Reconciled", "status": "True"}]
    return {**raw, "status": {"conditions": rows, "reconciledVersion": f"2.6.6-{generation}"}}


@pytest.mark.parametrize(
    ("done", "mode", "notes"),
    [(1, "PERMISSIVE", ["Overruled"]), (0, "STRICT", [])],
    ids=["until the resource changes", "not beyond"],
)
def test_a_change_by_hand_counts_until_the_control_plane_changes(
    done: int, mode: str, notes: list[str]
) -> None:
    raw = settled(smcp(security={"dataPlane": {"mtls": True}}), done)
    policy = child(planned(raw), "PeerAuthentication.security.istio.io", "default")
    by_hand = {**policy, "spec": {"mtls": {"mode": "PERMISSIVE"}}}
    result = plan(World(smcp=raw, first=raw, deployments={}, stored={ref_of(by_hand): by_hand}), 0.0)
    found = child(result, "PeerAuthentication.security.istio.io", "default")
    assert found["spec"] == {"mtls": {"mode": mode}}
    assert [note.reason for note in result.notes if note.type == "Warning"] == notes
