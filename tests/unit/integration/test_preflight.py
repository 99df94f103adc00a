"""What the preflight says of a cluster."""

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hauberk.base.refs import Json, Ref
from hauberk.integration import marks
from hauberk.integration.model import Integration
from hauberk.integration.preflight import cluster, edges, mesh, passes, versions
from hauberk.integration.preflight.cluster import Permission
from hauberk.integration.preflight.edges import Dialled
from hauberk.integration.preflight.mesh import Gate
from hauberk.integration.preflight.rows import Row
from hauberk.integration.preflight.run import gate_of, plane_of
from hauberk.integration.profiles import stages

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
SERVING = "KnativeServing.operator.knative.dev"


def thing(
    kind: str, name: str, namespace: str = "", *, api: str = "v1", labels: Json | None = None, **rest
) -> Json:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": {**meta, "labels": labels or {}}, **rest}


# Operators and versions


def csv(name: str, phase: str = "Succeeded") -> Json:
    api = "operators.coreos.com/v1alpha1"
    return thing("ClusterServiceVersion", name, "openshift-operators", api=api, status={"phase": phase})


def test_operators_are_found_by_their_csv_then_by_their_deployment():
    deployment = thing(
        "Deployment",
        "knative-operator",
        "knative-operator",
        api="apps/v1",
        labels={"app.kubernetes.io/version": "1.17.0"},
        status={"availableReplicas": 1},
    )
    copy = {**csv("servicemeshoperator.v9.9.9")}
    copy["metadata"] = {**copy["metadata"], "labels": {"olm.copiedFrom": "x"}}
    found = versions.operators_of([csv("serverless-operator.v1.37.0"), copy], [deployment])
    assert [(o.product, o.version, o.healthy) for o in found] == [
        ("serverless", "1.37.0", True),
        ("knative-operator", "1.17.0", True),
    ]


@pytest.mark.parametrize(
    ("served", "csvs", "embedded", "level"),
    [
        (False, [], False, "fail"),
        (False, [csv("serverless-operator.v1.37.0")], False, "fail"),
        (True, [], False, "unknown"),
        (True, [], True, "ok"),
        (True, [csv("serverless-operator.v1.37.0", "Failed")], False, "fail"),
        (True, [csv("serverless-operator.v1.37.0")], False, "ok"),
    ],
)
def test_an_operator(served: bool, csvs: list, embedded: bool, level: str):
    operators = versions.operators_of(csvs, [])
    row = versions.judge_operator("t", ("serverless",), SERVING, served, operators, embedded=embedded)
    assert row.level == level


@pytest.mark.parametrize(
    ("profile", "serverless", "operator", "level"),
    [
        ("sm2", "1.37.0", "servicemeshoperator.v2.6.4-0", "ok"),
        ("sm2", "1.37.0", "servicemeshoperator.v2.1.0", "fail"),
        ("sm2", "1.29.0", "servicemeshoperator.v2.1.0", "ok"),
        ("sm2", "1.20.0", "servicemeshoperator.v2.6.0", "fail"),
        ("sm3", "1.37.1", "servicemeshoperator3.v3.1.0", "warn"),
        ("sm3", "1.36.0", "servicemeshoperator3.v3.1.0", "fail"),
    ],
)
def test_versions_go_together_by_the_table(profile, serverless: str, operator: str, level: str):
    found = versions.operators_of([csv(f"serverless-operator.v{serverless}"), csv(operator)], [])
    assert versions.judge_together(profile, found).level == level


def test_versions_that_are_not_told_are_not_judged():
    assert versions.judge_together("sm2", ()).level == "unknown"
    assert versions.judge_together("sm2", (), embedded=True).level == "ok"
    assert versions.is_embedded({"gitVersion": "v1.32.0+hauberk"})


@pytest.mark.parametrize(("text", "number"), [("2.6.4-0", (2, 6, 4)), ("v3.1", (3, 1)), ("latest", ())])
def test_version_numbers(text: str, number: tuple):
    assert versions.number_of(text) == number


# The cluster


def test_kinds_that_are_missing_are_named_with_who_brings_them(integration_sm2: Integration):
    rows = stages(integration_sm2)
    row = cluster.judge_kinds(rows, {"Namespace", "Service"})
    assert row.level == "fail"
    assert "ServiceMeshControlPlane.maistra.io" in row.found
    assert "Service Mesh Operator 2.x" in row.fix


@pytest.mark.parametrize(
    ("answers", "level"),
    [([True, True], "ok"), ([True, False], "fail"), ([None], "unknown"), ([], "unknown")],
)
def test_permissions(answers: list, level: str):
    asked = [Permission(verb="get", resource="pods", group="", namespace="n", allowed=a) for a in answers]
    row = cluster.judge_permissions(asked)
    assert row.level == level
    assert ("get pods in n" in row.found) is (level == "fail")


@pytest.mark.parametrize(
    ("profile", "kind", "labels", "level"),
    [
        ("sm2", "ClusterIP", {"istio": "ingressgateway"}, "ok"),
        ("sm2", "LoadBalancer", {"istio": "ingressgateway"}, "fail"),
        ("sm3", "NodePort", {"istio": "ingressgateway"}, "fail"),
        ("sm2", "LoadBalancer", {"app": "another"}, "ok"),
        ("kubernetes", "LoadBalancer", {"istio": "ingressgateway"}, "ok"),
    ],
)
def test_the_gateway_service_is_judged_by_the_pods_it_selects(profile, kind: str, labels: dict, level: str):
    service = thing("Service", "s", "istio-system", spec={"type": kind, "selector": labels})
    pods = {"istio": "ingressgateway", "knative": "ingressgateway"}
    assert cluster.judge_exposure(profile, [service], pods).level == level


def knative_serving(*, ours: bool = False, istio: bool = True) -> Json:
    labels = {marks.STAGE: "50"} if ours else {}
    spec = {"ingress": {"istio": {"enabled": istio}}}
    return thing("KnativeServing", "s", "n", api="operator.knative.dev/v1beta1", labels=labels, spec=spec)


READY = thing(
    "ServiceMeshControlPlane", "basic", "n", status={"conditions": [{"type": "Ready", "status": "True"}]}
)


@pytest.mark.parametrize(
    ("serving", "plane", "level"),
    [
        (None, None, "ok"),
        (knative_serving(ours=True), None, "ok"),
        (knative_serving(), READY, "warn"),
        (knative_serving(istio=False), READY, "fail"),
        (knative_serving(), None, "fail"),
    ],
)
def test_serving_before_the_mesh(serving: Json | None, plane: Json | None, level: str):
    assert cluster.judge_order(serving, plane).level == level


HOOK = Ref("Service", "knative-serving", "webhook")


@pytest.mark.parametrize(
    ("name", "ready", "level"),
    [
        ("config.webhook.serving.knative.dev", {HOOK: None}, "fail"),
        ("config.webhook.serving.knative.dev", {HOOK: False}, "warn"),
        ("config.webhook.serving.knative.dev", {HOOK: True}, "ok"),
        ("somebody.else", {HOOK: None}, "ok"),
    ],
)
def test_leftover_webhooks(name: str, ready: dict, level: str):
    hook = {"clientConfig": {"service": {"namespace": HOOK.namespace, "name": HOOK.name}}}
    found = {**thing("ValidatingWebhookConfiguration", name), "webhooks": [hook]}
    assert cluster.judge_webhooks([found], ready).level == level


# Meshes and gateways


def smcp(namespace: str = "istio-system", name: str = "basic") -> Json:
    return thing("ServiceMeshControlPlane", name, namespace, api="maistra.io/v2")


def roll(namespace: str, *members: str) -> Json:
    spec = {"members": list(members)}
    return thing("ServiceMeshMemberRoll", "default", namespace, api="maistra.io/v1", spec=spec)


def gateway(namespace: str, port: int = 443, host: str = "*", **selector: str) -> Json:
    server = {"port": {"number": port}, "hosts": [host]}
    spec = {"selector": selector, "servers": [server]}
    return thing("Gateway", "theirs", namespace, api="networking.istio.io/v1", spec=spec)


MESHES = mesh.meshes_of(
    [smcp(), smcp("other-mesh")],
    [roll("istio-system", "knative-serving", "shop"), roll("other-mesh", "bank")],
    [],
)
GATE = Gate(
    namespace="istio-system",
    mesh_namespace="istio-system",
    pod_labels={"istio": "ingressgateway", "knative": "ingressgateway"},
    ours=frozenset({Ref("Gateway.networking.istio.io", "knative-serving", "theirs")}),
)
POD = thing(
    "Pod", "gw", "istio-system", labels={"istio": "ingressgateway", "knative": "ingressgateway", "x": "y"}
)


@pytest.mark.parametrize(
    ("found", "pods", "conflicts"),
    [
        (gateway("shop", istio="ingressgateway"), [POD], True),  # another text, the same pods
        (gateway("shop", istio="ingressgateway"), [], True),  # before the gateway is there
        (gateway("shop", x="y"), [POD], True),  # by a label that only the running pod has
        (gateway("shop"), [POD], True),  # an empty selector takes every gateway
        (gateway("shop", istio="egressgateway"), [POD], False),
        (gateway("bank", istio="ingressgateway"), [POD], False),  # a member of another mesh
        (gateway("shop", 443, "shop.example.com", istio="ingressgateway"), [POD], False),
        (gateway("shop", 80, istio="ingressgateway"), [POD], False),
        (gateway("shop", 443, "shop/*", istio="ingressgateway"), [POD], True),
        (gateway("knative-serving", knative="ingressgateway"), [POD], False),  # our own
    ],
)
def test_gateways_conflict_by_pods_and_membership(found: Json, pods: list, conflicts: bool):
    seen = mesh.conflicting([found], pods, MESHES, GATE)
    assert bool(seen) is conflicts
    assert mesh.judge_conflicts(seen).level == ("fail" if conflicts else "ok")


OURS = Ref("ServiceMeshControlPlane.maistra.io", "istio-system", "basic")


@pytest.mark.parametrize(
    ("planes", "istios", "level"),
    [
        ([], [], "ok"),
        ([smcp()], [], "ok"),
        ([smcp(), smcp("other-mesh")], [], "warn"),
        ([smcp(name="older")], [], "fail"),
        ([smcp()], [thing("Istio", "default", api="sailoperator.io/v1", spec={"namespace": "i"})], "fail"),
    ],
)
def test_other_meshes(planes: list, istios: list, level: str):
    assert mesh.judge_meshes(mesh.meshes_of(planes, [], istios), OURS, ("shop",)).level == level


@pytest.mark.parametrize(
    ("rolls", "namespaces", "levels"),
    [
        ([roll("istio-system", "shop")], {"shop": {}}, ("ok", "ok")),
        ([roll("other-mesh", "shop")], {"shop": {}}, ("fail", "ok")),
        ([], {}, ("ok", "fail")),
    ],
)
def test_members(rolls: list, namespaces: dict, levels: tuple):
    rows = mesh.judge_members(rolls, "istio-system", ("knative-serving", "shop"), namespaces)
    assert tuple(row.level for row in rows) == levels


def test_the_gate_has_the_labels_that_its_pods_will_have(integration_sm2, integration_sm3):
    gate = gate_of(integration_sm2, stages(integration_sm2))
    assert gate.pod_labels == {
        "knative": "ingressgateway",
        "istio": "ingressgateway",
        "app": "istio-ingressgateway",
    }
    assert Ref("Gateway.networking.istio.io", "knative-serving", "knative-ingress-gateway") in gate.ours
    assert "sidecar.istio.io/inject" in gate_of(integration_sm3, stages(integration_sm3)).pod_labels
    assert plane_of(integration_sm3) == Ref("Istio.sailoperator.io", "", "default")


# Domain, certificate, Kafka


@pytest.mark.parametrize(
    ("domain", "level"), [("apps.openshift.example.com", "ok"), ("apps.other.com", "fail"), ("", "unknown")]
)
def test_the_domain_is_the_clusters(integration_sm2: Integration, domain: str, level: str):
    ingress = thing("Ingress", "cluster", api="config.openshift.io/v1", spec={"domain": domain})
    assert edges.judge_domain(integration_sm2, ingress).level == level


def secret(
    host: str = "*.apps.openshift.example.com", *, days: int = 365, san: bool = True, other: bool = False
):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - datetime.timedelta(days=1000))
    builder = builder.not_valid_after(NOW + datetime.timedelta(days=days))
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    kept = ec.generate_private_key(ec.SECP256R1()) if other else key
    pem = kept.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    rows = {"tls.crt": certificate.public_bytes(Encoding.PEM), "tls.key": pem}
    data = {name: base64.b64encode(content).decode() for name, content in rows.items()}
    return thing("Secret", "wildcard-certs", "istio-system", data=data)


@pytest.mark.parametrize(
    ("made", "level", "told"),
    [
        ({}, "ok", "2027"),
        ({"host": "*.apps.other.com"}, "fail", "it is for"),
        ({"host": "apps.openshift.example.com"}, "fail", "it is for"),
        ({"days": -1}, "fail", "not valid now"),
        ({"days": 10}, "warn", "2026-06-11"),
        ({"san": False}, "warn", "subjectAltName"),
        ({"other": True}, "fail", "not the certificate's"),
    ],
)
def test_the_certificate_in_the_cluster(integration_sm2: Integration, made: dict, level: str, told: str):
    row = edges.judge_certificate(integration_sm2, secret(**made), NOW)
    assert row.level == level
    assert told in row.found


def test_a_secret_that_is_broken_or_not_there(integration_sm2: Integration):
    assert edges.judge_certificate(integration_sm2, None, NOW).level == "ok"
    assert edges.judge_certificate(integration_sm2, thing("Secret", "s"), NOW).level == "fail"


@pytest.mark.parametrize(
    ("server", "service"),
    [
        ("my-cluster-kafka-bootstrap.kafka:9092", Ref("Service", "kafka", "my-cluster-kafka-bootstrap")),
        ("b.kafka.svc:9092", Ref("Service", "kafka", "b")),
        ("b.kafka.svc.cluster.local:9092", Ref("Service", "kafka", "b")),
        ("broker-1.example.com:9092", None),
        ("broker:9092", None),
    ],
)
def test_servers_inside_the_cluster_are_services(server: str, service: Ref | None):
    assert edges.service_of(server) == service


@pytest.mark.parametrize(
    ("reached", "level"), [([False, True], "ok"), ([False], "fail"), ([False, None], "unknown")]
)
def test_one_bootstrap_server_is_enough(reached: list, level: str):
    dialled = [Dialled(server="s:1", how="h", reached=r, detail="d") for r in reached]
    assert edges.judge_kafka(dialled).level == level


@pytest.mark.parametrize(("level", "ok"), [("ok", True), ("warn", True), ("unknown", True), ("fail", False)])
def test_only_a_failed_row_stands_in_the_way(level, ok: bool):
    assert passes([Row(title="t", level=level, wanted="w", found="f")]) is ok
