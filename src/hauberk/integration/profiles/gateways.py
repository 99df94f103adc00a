"""How traffic enters: the two Gateways and the Services before them. Pure.

Source: the document's manifest 03; openshift-knative/serverless-operator hack/lib/mesh_v3_resources
05_gateway_deploy.yaml, 06_serving_gateways.yaml, 08_envoy_filter.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json
from hauberk.integration.model import SERVING, Integration
from hauberk.integration.profiles.knative import revision_labels
from hauberk.integration.profiles.objects import INJECT, make

NO_TRANSLATION = "experimental.istio.io/disable-gateway-port-translation"
LOCAL_PORT = 8081


def ingress_server(wanted: Integration) -> Json:
    """Port 443 with the certificate of the domain."""
    return {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": ["*"],
        "tls": {"mode": "SIMPLE", "credentialName": wanted.certificate.secret_name},
    }


def local_server(wanted: Integration) -> Json:
    """Port 8081: for clients of the mesh only, or plain."""
    if not wanted.local_mtls:
        return {"port": {"number": LOCAL_PORT, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return {
        "port": {"number": LOCAL_PORT, "name": "https", "protocol": "HTTPS"},
        "tls": {"mode": "ISTIO_MUTUAL"},
        "hosts": ["*"],
    }


def pod_labels(wanted: Integration) -> dict[str, str]:
    """The label by which Gateways and net-istio find the ingress gateway: on its pods and its Service."""
    return {"knative": wanted.gateways.label}


def make_gateways(wanted: Integration, api: str) -> tuple[Json, Json]:
    """The Gateway for traffic from outside, and the one for traffic from inside."""
    gateways = wanted.gateways

    def gateway(name: str, server: Json) -> Json:
        spec = {"selector": pod_labels(wanted), "servers": [server]}
        return make(api, "Gateway", name, SERVING, spec=spec)

    return gateway(gateways.ingress, ingress_server(wanted)), gateway(gateways.local, local_server(wanted))


def make_local_service(wanted: Integration, selector: Mapping[str, str]) -> Json:
    """The Service of the local Gateway, in the namespace of the gateway's pods."""
    return make(
        "v1",
        "Service",
        wanted.gateways.local,
        wanted.gateway_namespace,
        labels={NO_TRANSLATION: "true"},
        spec={
            "type": "ClusterIP",
            "selector": dict(selector),
            "ports": [{"name": "http2", "port": 80, "targetPort": LOCAL_PORT}],
        },
    )


def make_workload(wanted: Integration, extra: Mapping[str, str] | None = None) -> tuple[Json, ...]:
    """The ingress gateway's pods by gateway injection, and their right to read the certificate."""
    name, namespace = wanted.gateway_service, wanted.gateway_namespace
    labels = {**pod_labels(wanted), **(extra or {})}
    template: Json = {
        "metadata": {
            "annotations": {"inject.istio.io/templates": "gateway"},
            "labels": {**labels, INJECT: "true", **revision_labels(wanted)},
        },
        "spec": {"serviceAccountName": name, "containers": [{"name": "istio-proxy", "image": "auto"}]},
    }
    role, rbac = f"{name}-sds", "rbac.authorization.k8s.io"
    return (
        make("v1", "ServiceAccount", name, namespace),
        make(
            f"{rbac}/v1",
            "Role",
            role,
            namespace,
            rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"]}],
        ),
        make(
            f"{rbac}/v1",
            "RoleBinding",
            role,
            namespace,
            roleRef={"apiGroup": rbac, "kind": "Role", "name": role},
            subjects=[{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        ),
        make(
            "apps/v1",
            "Deployment",
            name,
            namespace,
            labels=labels,
            spec={"selector": {"matchLabels": labels}, "template": template},
        ),
    )


def make_ingress_service(wanted: Integration, *, kind: str, extra: Mapping[str, str] | None = None) -> Json:
    """The ingress gateway's Service; it carries the label of its pods, which net-istio probes it by."""
    labels = {**pod_labels(wanted), **(extra or {})}
    ports = [("status-port", 15021, 15021), ("http2", 80, 8080), ("https", 443, 8443)]
    return make(
        "v1",
        "Service",
        wanted.gateway_service,
        wanted.gateway_namespace,
        labels=labels,
        spec={
            "type": kind,
            "selector": labels,
            "ports": [{"name": name, "port": port, "targetPort": target} for name, port, target in ports],
        },
    )


def make_timeouts(wanted: Integration) -> Json:
    """No idle limit for streams through the gateway: Envoy's 300 s would cut long requests."""
    manager = "envoy.filters.network.http_connection_manager"
    value: dict[str, Any] = {
        "@type": f"type.googleapis.com/{manager.replace('.filters', '.extensions.filters')}.v3."
        "HttpConnectionManager",
        "stream_idle_timeout": "0s",
        "common_http_protocol_options": {"max_stream_duration": "0s"},
    }
    patch = {
        "applyTo": "NETWORK_FILTER",
        "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": {"name": manager}}}},
        "patch": {"operation": "MERGE", "value": {"typed_config": value}},
    }
    return make(
        "networking.istio.io/v1alpha3",
        "EnvoyFilter",
        "disable-stream-idle-timeout",
        wanted.gateway_namespace,
        spec={"workloadSelector": {"labels": pod_labels(wanted)}, "configPatches": [patch]},
    )
