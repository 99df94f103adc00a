"""Policies that come with the mesh as ingress. Pure.

Source: openshift-knative/serverless-operator openshift-knative-operator/pkg/serving/ingress.go,
knative-extensions/net-istio config/400-webhook-peer-authentication.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json
from hauberk.operators.knative_serving.table import INGRESS_PROVIDER, PART_OF
from hauberk.operators.objects import make
from hauberk.operators.workload import app_labels

MONITORING = {"kubernetes.io/metadata.name": "openshift-monitoring"}
WEBHOOKS = ("webhook", "net-istio-webhook")


def make_peer_authentications(namespace: str) -> Iterator[Json]:
    """The API server calls webhooks without a client certificate: their port 8443 is PERMISSIVE."""
    labels = {**app_labels(PART_OF, "net-istio"), INGRESS_PROVIDER: "istio"}
    for name in WEBHOOKS:
        yield make(
            "security.istio.io/v1beta1",
            "PeerAuthentication",
            name,
            namespace,
            labels=labels,
            spec={
                "selector": {"matchLabels": {"app": name}},
                "portLevelMtls": {"8443": {"mode": "PERMISSIVE"}},
            },
        )


def make_network_policies(namespace: str) -> Iterator[Json]:
    """What Maistra's policies would forbid: calls to webhooks, scraping by the cluster's monitoring."""
    labels = {INGRESS_PROVIDER: "istio"}
    for name in WEBHOOKS:
        yield make_policy(name, namespace, labels, {"matchLabels": {"app": name}}, [{}])
    peer = {"namespaceSelector": {"matchLabels": MONITORING}}
    yield make_policy("allow-from-openshift-monitoring-ns", namespace, labels, {}, [{"from": [peer]}])


def make_policy(name: str, namespace: str, labels: Json, selector: Json, ingress: list[Json]) -> Json:
    """A NetworkPolicy on inbound connections."""
    return make(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        name,
        namespace,
        labels=labels,
        spec={"podSelector": dict(selector), "ingress": ingress, "policyTypes": ["Ingress"]},
    )
