"""The objects of each profile: the document's, without its defects, and upstream's corrections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from hauberk.base.refs import Json, Ref, kind_of, ref_of
from hauberk.integration.load import parse
from hauberk.integration.model import Integration
from hauberk.integration.profiles import PROFILES, make_service, stages
from hauberk.integration.stages import objects_of
from hauberk.kinds import BY_ID
from hauberk.testing.integrations import text_of

DOCUMENT = Path(__file__).parents[3] / "examples" / "document"
HEAD = "apiVersion: hauberk/v1alpha1\nkind: Integration\ndomain: apps.openshift.example.com\n"
MEMBERS = "members: [knative-serving, knative-eventing, default]\n"
KAFKA = "kafka: {enabled: true, bootstrapServers: [my-cluster-kafka-bootstrap.kafka:9092]}\n"
EVERYTHING = Path(__file__).parents[2] / "golden" / "integration" / "everything.in.yaml"


def integration(more: str = "", profile: str = "sm2") -> Integration:
    return parse(f"{HEAD}{MEMBERS}profile: {profile}\n{more}")


def everything(profile: str) -> Integration:
    return parse(text_of(EVERYTHING, profile))


def found(wanted: Integration, kind: str, name: str = "", namespace: str = "") -> Any:
    rows = [
        obj
        for obj in objects_of(stages(wanted))
        if kind_of(obj) == kind
        and name in ("", obj["metadata"]["name"])
        and namespace in ("", obj["metadata"].get("namespace", ""))
    ]
    assert rows, f"no {kind} {name}"
    return rows[0]


def named(wanted: Integration) -> list[str]:
    return [stage.name for stage in stages(wanted)]


def document() -> Iterator[Json]:
    for file in sorted(DOCUMENT.glob("0[1-5]*.yaml")):
        yield from yaml.safe_load_all(file.read_text())


def test_sm2_with_the_documents_values_is_the_document() -> None:
    rendered = {ref_of(o): o for o in objects_of(stages(integration('versions: {serverless: "1.34"}\n')))}
    for obj in document():
        assert rendered.pop(ref_of(obj)) == obj
    assert {ref.kind for ref in rendered} == {"Namespace"}  # D8: the document creates a Secret before them


def test_a_service_of_sm2_is_the_documents() -> None:
    obj = yaml.safe_load((DOCUMENT / "08-knative-service.yaml").read_text())
    (container,) = obj["spec"]["template"]["spec"]["containers"]
    del container["env"]  # the example's own greeting
    assert make_service(integration(), "default", "hello", container["image"]) == obj


def test_the_sink_of_kafka_stands_at_spec_level() -> None:  # D3
    spec = found(integration(KAFKA), "KnativeKafka.operator.serverless.openshift.io")["spec"]
    assert spec["sink"] == {"enabled": True}
    assert "sink" not in spec["broker"]


def test_ports_of_the_kafka_cluster_have_names_of_their_own() -> None:  # D2
    spec = found(integration(KAFKA), "ServiceEntry.networking.istio.io")["spec"]
    names = [port["name"] for port in spec["ports"]]
    assert len(names) == len(set(names)) == 5
    assert spec["hosts"] == ["my-cluster-kafka-bootstrap.kafka"]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_port_that_the_document_does_not_list_is_in_the_service_entry(profile: str) -> None:
    spec = found(everything(profile), "ServiceEntry.networking.istio.io")["spec"]
    assert {"number": 19093, "name": "tcp-19093", "protocol": "TCP"} in spec["ports"]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_namespace_with_clients_of_kafka_has_the_service_entry(profile: str) -> None:
    rows = [o for o in objects_of(stages(everything(profile))) if o["kind"] == "ServiceEntry"]
    assert [o["metadata"]["namespace"] for o in rows] == ["knative-eventing", "shop", "blog"]


@pytest.mark.parametrize(
    ("profile", "versions", "key"),
    [
        ("sm2", 'serverless: "1.37"', "metrics.backend-destination"),
        ("sm2", 'serverless: "1.38"', "metrics-protocol"),
        ("kubernetes", 'knative: "1.18"', "metrics.backend-destination"),
        ("kubernetes", 'knative: "1.19"', "metrics-protocol"),
    ],
)
def test_the_key_of_metrics_follows_the_version(profile: str, versions: str, key: str) -> None:  # D4
    wanted = integration(f"metrics: {{enabled: true}}\nversions: {{{versions}}}\n", profile)
    for kind in ("KnativeServing", "KnativeEventing"):
        spec = found(wanted, f"{kind}.operator.knative.dev")["spec"]
        assert spec["config"]["observability"] == {key: "prometheus"}


def test_monitoring_is_admitted_by_the_label_that_every_namespace_has() -> None:  # D5
    wanted = integration("metrics: {enabled: true}\nnetworkPolicies: {serverless: false}\n")
    policies = [o for o in objects_of(stages(wanted)) if o["metadata"]["name"] == "allow-from-monitoring"]
    (rule,) = policies[0]["spec"]["ingress"]
    labels = rule["from"][0]["namespaceSelector"]["matchLabels"]
    assert labels == {"kubernetes.io/metadata.name": "openshift-monitoring"}


@pytest.mark.parametrize(
    ("policies", "count"),
    [("serverless: false", 4), ("serverless: false, mesh: false", 0), ("mesh: true", 0)],
)
def test_the_api_server_reaches_the_webhooks_where_only_the_mesh_makes_policies(
    policies: str, count: int
) -> None:  # D13
    made = objects_of(stages(integration(f"networkPolicies: {{{policies}}}\n")))
    open_to_all = [o for o in made if o["kind"] == "NetworkPolicy" and o["spec"]["ingress"] == [{}]]
    assert len(open_to_all) == count


@pytest.mark.parametrize("profile", PROFILES)
def test_the_certificate_is_where_the_pods_of_the_gateway_are(profile: str) -> None:  # D6
    wanted = integration(profile=profile)
    (stage,) = [stage for stage in stages(wanted) if stage.name == "15-certificate"]
    where = {"sm2": "istio-system", "sm3": "knative-serving-ingress", "kubernetes": "istio-system"}[profile]
    assert stage.secrets == (Ref("Secret", where, "wildcard-certs"),)
    created = [o["metadata"]["name"] for o in objects_of(stages(wanted)) if o["kind"] == "Namespace"]
    assert where in created


@pytest.mark.parametrize("profile", PROFILES)
def test_config_istio_names_services_that_exist(profile: str) -> None:
    wanted = everything(profile)
    services = {
        f"{o['metadata']['name']}.{o['metadata']['namespace']}.svc.cluster.local"
        for o in objects_of(stages(wanted))
        if o["kind"] == "Service"
    }
    services |= {"istio-ingressgateway.mesh-system.svc.cluster.local"} if profile == "sm2" else set()
    if profile == "kubernetes":  # net-istio's own
        services |= {"knative-local-gateway.istio-system.svc.cluster.local"}
    config = found(wanted, "KnativeServing.operator.knative.dev")["spec"]["config"]["istio"]
    assert len(config) == 2
    assert set(config.values()) <= services


@pytest.mark.parametrize("profile", PROFILES)
def test_callers_outside_the_mesh_reach_their_ports(profile: str) -> None:  # D7
    text = str(found(integration(profile=profile), _PLANES[profile])["spec"])
    assert "8022" in text
    assert "8444" in text or profile == "kubernetes"
    assert "'terminationDrainDuration': '35s'" in text


_PLANES = {
    "sm2": "ServiceMeshControlPlane.maistra.io",
    "sm3": "Istio.sailoperator.io",
    "kubernetes": "Istio.sailoperator.io",
}


@pytest.mark.parametrize("profile", PROFILES)
def test_no_placeholder_is_left(profile: str) -> None:  # D9
    text = str(objects_of(stages(everything(profile))))
    assert "<" not in text
    assert "your-" not in text


@pytest.mark.parametrize("profile", ["sm3", "kubernetes"])
def test_system_workloads_are_injected_by_label_and_services_too(profile: str) -> None:  # D14
    wanted = everything(profile)
    labels = {"sidecar.istio.io/inject": "true", "istio.io/rev": "internal"}
    assert make_service(wanted, "shop", "a", "b")["spec"]["template"]["metadata"]["labels"] == labels
    spec = found(wanted, "KnativeServing.operator.knative.dev")["spec"]
    assert [row["labels"] for row in spec["deployments"]] == [labels, labels]


@pytest.mark.parametrize("profile", ["sm3", "kubernetes"])
def test_namespaces_of_members_are_labelled_and_stay_their_owners(profile: str) -> None:
    (stage,) = [stage for stage in stages(integration(profile=profile)) if stage.name == "30-members"]
    assert [o["metadata"] for o in stage.objects] == [
        {"name": "default", "labels": {"istio-injection": "enabled"}}
    ]
    assert stage.shared == {Ref("Namespace", "", "default")}


@pytest.mark.parametrize("profile", ["sm3", "kubernetes"])
def test_the_mesh_is_strict_but_for_the_autoscaler(profile: str) -> None:
    wanted = integration(profile=profile)
    kind = "PeerAuthentication.security.istio.io"
    assert found(wanted, kind, "mesh-mtls", "istio-system")["spec"] == {"mtls": {"mode": "STRICT"}}
    assert found(wanted, kind, "autoscaler-permissive")["spec"]["mtls"] == {"mode": "PERMISSIVE"}


@pytest.mark.parametrize(
    ("profile", "more", "mode"),
    [
        ("sm2", "", "ISTIO_MUTUAL"),
        ("sm3", "", ""),
        ("sm3", "gateways: {localMtls: true}\n", "ISTIO_MUTUAL"),
        ("sm2", "gateways: {localMtls: false}\n", ""),
    ],
)
def test_the_local_gateway_demands_a_certificate(profile: str, more: str, mode: str) -> None:
    wanted = integration(more, profile)
    (server,) = found(wanted, "Gateway.networking.istio.io", "knative-local-gateway")["spec"]["servers"]
    assert server.get("tls", {}).get("mode", "") == mode
    assert server["port"]["protocol"] == ("HTTPS" if mode else "HTTP")


def test_the_knative_operator_is_told_about_its_own_gateways() -> None:
    wanted = integration(profile="kubernetes")
    ingress = found(wanted, "KnativeServing.operator.knative.dev")["spec"]["ingress"]["istio"]
    assert ingress["knative-ingress-gateway"]["servers"][0]["port"]["number"] == 443
    assert not [o for o in objects_of(stages(wanted)) if o["kind"] == "Gateway"]


@pytest.mark.parametrize(
    ("more", "annotated", "managed"),
    [
        ("", False, True),
        ("networkPolicies: {serverless: false}\n", True, True),
        ("networkPolicies: {serverless: false, mesh: false}\n", True, False),
    ],
)
def test_network_policies_are_made_by_whom_the_file_says(more: str, annotated: bool, managed: bool) -> None:
    wanted = integration(more)
    for kind in ("KnativeServing", "KnativeEventing"):
        meta = found(wanted, f"{kind}.operator.knative.dev")["metadata"]
        assert bool(meta.get("annotations")) is annotated
    plane = found(wanted, _PLANES["sm2"])
    assert plane["spec"]["security"].get("manageNetworkPolicy", True) is managed


@pytest.mark.parametrize(
    ("profile", "more", "value"),
    [
        ("sm2", "", None),
        ("sm2", "secretFiltering: false\n", "false"),
        ("sm2", 'versions: {serverless: "1.31"}\n', "true"),
        ("kubernetes", "", "true"),
        ("kubernetes", "secretFiltering: false\n", None),
    ],
)
def test_the_filter_of_secrets_is_said_where_it_is_not_the_default(
    profile: str, more: str, value: str | None
) -> None:
    rows = found(integration(more, profile), "KnativeServing.operator.knative.dev")["spec"].get("workloads")
    if value is None:
        assert rows is None
    else:
        assert rows[0]["env"][0]["envVars"][0]["value"] == value


def test_denials_come_after_every_permission_and_after_knative() -> None:
    names = named(everything("sm2"))
    assert names.index("85-tenants") > names.index("60-knative-eventing")
    (stage,) = [stage for stage in stages(everything("sm2")) if stage.name == "85-tenants"]
    kinds = [obj["spec"] == {} for obj in stage.objects]
    assert kinds == sorted(kinds)
    assert kinds.count(True) == 2


def test_a_tenant_is_named_in_nobody_elses_policies() -> None:
    for obj in objects_of(stages(everything("sm3"))):
        if obj["kind"] == "AuthorizationPolicy" and "alpha" in obj["metadata"]["name"]:
            assert "shop" in str(obj["spec"])
            assert "blog" not in str(obj["spec"])


@pytest.mark.parametrize("off", ["serving", "eventing"])
@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_off_has_no_object(profile: str, off: str) -> None:
    wanted = integration(f"{off}: {{enabled: false}}\n", profile)
    text = str([o for o in objects_of(stages(wanted)) if o["kind"] != "ServiceMeshMemberRoll"])
    assert f"knative-{off}'" not in text


@pytest.mark.parametrize("profile", PROFILES)
def test_objects_come_after_their_namespaces_and_no_name_repeats(profile: str) -> None:
    wanted = everything(profile)
    there = {"kube-system", *wanted.projects}
    names = []
    for obj in objects_of(stages(wanted)):
        if obj["kind"] == "Namespace":
            there.add(obj["metadata"]["name"])
        assert obj["metadata"].get("namespace", "kube-system") in there
        names.append(ref_of(obj))
    assert len(names) == len(set(names))


@pytest.mark.parametrize("profile", PROFILES)
def test_stages_are_in_the_order_of_their_names_and_wait_for_their_own(profile: str) -> None:
    rows = stages(everything(profile))
    assert [r.name for r in rows] == sorted(r.name for r in rows)
    for row in rows:
        own = {ref_of(obj) for obj in row.objects} | {*row.secrets}
        assert {ready.ref for ready in row.ready} <= own or row.name == "15-certificate"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("make", [integration, everything])
def test_a_strict_cluster_has_nothing_to_say(profile: str, make: Any) -> None:
    wanted = make(profile=profile)
    for obj in objects_of(stages(wanted)):
        kind = BY_ID.get(kind_of(obj))
        if kind is None:
            continue  # not a kind of the embedded cluster
        raw = kind.default(msgspec.json.decode(msgspec.json.encode(obj)))
        raw["metadata"].setdefault("uid", "u")
        assert not list(kind.validate(kind.parse(raw))), ref_of(obj)
        assert not list(kind.strict(raw)), ref_of(obj)
