"""What can only be told of a cluster, or of objects as a cluster has them."""

from __future__ import annotations

from pathlib import Path

import yaml

from hauberk.testing.worlds import Edit, add, codes, made, put, without

GOOD = list(yaml.safe_load_all((Path(__file__).parent / "document.yaml").read_text()))
SERVED = ("VirtualService.networking.istio.io", "DestinationRule.networking.istio.io")
CHANNEL = """
apiVersion: messaging.knative.dev/v1
kind: InMemoryChannel
metadata: {name: c, namespace: shop}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: c-kn-channel, namespace: shop}
spec: {host: c-kn-channel.shop.svc.cluster.local}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system, labels: {knative: ingressgateway}}
spec: {type: ClusterIP, ports: [{port: 80}, {port: 443}, {port: 15021}]}
"""
DENY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: knative-serving}
spec: {}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: allow, namespace: knative-serving}
spec: {rules: [{}]}
"""
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def found(*edits: Edit, served: tuple[str, ...] = SERVED) -> set[str]:
    return codes(made(GOOD, [add(SERVICE), *edits]), live=True, served=served)


def test_a_cluster_with_the_corrected_document_has_no_findings() -> None:
    assert found() == set()


def test_kinds_of_the_mesh_that_the_cluster_does_not_serve_are_named() -> None:
    assert found(served=SERVED[:1]) == {"HBK1211"}


def test_a_channel_needs_its_destination_rule() -> None:
    assert found(add(CHANNEL)) == set()
    rule = "DestinationRule/c-kn-channel"
    assert found(add(CHANNEL), put(rule, "spec.host", "other.shop.svc.cluster.local")) == {"HBK1605"}


def test_deny_all_before_serving_is_ready_is_named() -> None:
    serving = "KnativeServing/knative-serving"
    assert found(add(DENY), put(serving, "status", READY)) == set()
    not_ready = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    assert found(add(DENY), put(serving, "status", not_ready)) == {"HBK1209", "HBK1710"}


def test_the_gateways_label_is_demanded_where_the_control_plane_sets_it() -> None:
    smcp = "ServiceMeshControlPlane/basic"
    for said in ({}, {"metadata": {"labels": {"knative": "other"}}}):
        got = codes(made(GOOD, [put(smcp, "spec.gateways.ingress.service", said)]))
        assert got == {"HBK1308", "HBK1403"}  # and nobody serves the Gateways


def test_pods_decide_which_gateways_conflict_and_not_the_text_of_selectors() -> None:
    other = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: theirs, namespace: %s}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: PASSTHROUGH}}]
"""
    assert codes(made(GOOD, [add(other % "shop")])) == {"HBK1418"}
    assert codes(made(GOOD, [add(other % "of-another-mesh")])) == set()


def test_a_kind_that_we_may_not_list_silences_its_checks_only() -> None:
    objects = made(GOOD, [add(SERVICE), without("ServiceEntry/kafka-cluster")])
    assert "HBK1636" in codes(objects, live=True, served=SERVED)
    assert "HBK1101" not in codes(objects, live=True, served=SERVED)
