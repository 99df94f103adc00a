"""The gateways of a mesh as workloads. Pure.

`gateways.ingress.service.metadata.labels` go on the Service, on the pods *and* into the selectors, as
Maistra's chart does with `gateways.istio-ingressgateway.labels`: that is why the document's label
`knative: ingressgateway` makes both the Gateway selector and net-istio's probe find the gateway.

Source: maistra/istio-operator resources/helm/v2.5/gateways/istio-{ingress,egress}/{values.yaml,templates}.
Deviation: one replica without an autoscaler.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.maistra.control_plane import ControlPlaneSpec, GatewayConfig
from hauberk.operators.mesh_settings import MeshSettings
from hauberk.operators.names import CLUSTER_DOMAIN, PROXY_IMAGE, TRUST_DOMAIN
from hauberk.operators.objects import make, make_port, make_service_account

INGRESS = "istio-ingress"
EGRESS = "istio-egress"


@dataclass(frozen=True, slots=True)
class GatewayWorkload:
    """One gateway to be."""

    name: str
    component: str  # INGRESS or EGRESS
    labels: Mapping[str, str]  # of Service and pods; also both selectors
    config: GatewayConfig


def workloads(spec: ControlPlaneSpec) -> Iterator[GatewayWorkload]:
    """Every gateway that the profile or the admin enables; the default profile enables both standard ones."""
    gateways = spec.gateways
    if gateways.enabled is False:
        return
    for name, short, component, config in (
        ("istio-ingressgateway", "ingressgateway", INGRESS, gateways.ingress),
        ("istio-egressgateway", "egressgateway", EGRESS, gateways.egress),
    ):
        if config.enabled is not False:
            yield GatewayWorkload(name, component, _labels(name, short, config), config)
    for component, more in ((INGRESS, gateways.additional_ingress), (EGRESS, gateways.additional_egress)):
        for name, config in (more or {}).items():
            if config.enabled is not False:
                yield GatewayWorkload(name, component, _labels(name, name, config), config)


def _labels(name: str, istio: str, config: GatewayConfig) -> Mapping[str, str]:
    return {"app": name, "istio": istio, **(config.service.metadata.labels or {})}


def make_gateway(gateway: GatewayWorkload, mesh: MeshSettings, common: Mapping[str, str]) -> Iterator[Json]:
    """ServiceAccount, Deployment and Service of one gateway. `common` are the operator's own labels."""
    labels = {**common, "app.kubernetes.io/component": gateway.component, **gateway.labels}
    account = f"{gateway.name}-service-account"
    yield make_service_account(account, mesh.namespace, labels)
    yield make(
        "apps/v1",
        "Deployment",
        gateway.name,
        mesh.namespace,
        labels={
            **labels,
            "maistra.io/gateway": f"{gateway.name}.{mesh.namespace}",
            "istio.io/rev": mesh.name,
        },
        spec={
            "replicas": 1 if (count := gateway.config.runtime.deployment.replicas) is None else count,
            "selector": {"matchLabels": dict(gateway.labels)},
            "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": "25%"}},
            "template": _pod(gateway, mesh, account),
        },
    )
    service = gateway.config.service
    yield make(
        "v1",
        "Service",
        gateway.name,
        mesh.namespace,
        labels={**labels, "istio.io/rev": mesh.name},
        annotations=service.metadata.annotations,
        spec={"type": service.type, "selector": dict(gateway.labels), "ports": _ports(gateway)},
    )


def _ports(gateway: GatewayWorkload) -> list[dict[str, Any]]:
    if gateway.config.service.ports:
        return [
            {**make_port(p.name or f"port-{p.port}", p.port, p.target_port), "protocol": p.protocol}
            for p in gateway.config.service.ports
        ]
    standard = [make_port("http2", 80, 8080), make_port("https", 443, 8443)]
    return [make_port("status-port", 15021), *standard] if gateway.component == INGRESS else standard


def _pod(gateway: GatewayWorkload, mesh: MeshSettings, account: str) -> dict[str, Any]:
    extra = gateway.config.runtime.pod.metadata
    labels = {
        **(extra.labels or {}),
        **gateway.labels,
        "maistra.io/gateway": f"{gateway.name}.{mesh.namespace}",
        "maistra-control-plane": mesh.namespace,
        "service.istio.io/canonical-name": gateway.name,
        "service.istio.io/canonical-revision": mesh.name,
        "istio.io/rev": mesh.name,
        "sidecar.istio.io/inject": "false",
    }
    annotations = {**(extra.annotations or {}), "istio.io/rev": mesh.name, "sidecar.istio.io/inject": "false"}
    return {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"serviceAccountName": account, "containers": [_container(gateway, mesh)]},
    }


def _container(gateway: GatewayWorkload, mesh: MeshSettings) -> dict[str, Any]:
    owner = f"kubernetes://apis/apps/v1/namespaces/{mesh.namespace}/deployments/{gateway.name}"
    ports = [
        {"name": p["name"], "containerPort": p["targetPort"], "protocol": p["protocol"]}
        for p in _ports(gateway)
        if isinstance(p["targetPort"], int)
    ]
    return {
        "name": "istio-proxy",
        "image": PROXY_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "proxy", "router", "--domain", f"$(POD_NAMESPACE).svc.{CLUSTER_DOMAIN}",
            "--proxyLogLevel=warning", "--proxyComponentLogLevel=misc:error",
            "--log_output_level=default:warn",
        ],
        "ports": [*ports, {"name": "http-envoy-prom", "containerPort": 15090, "protocol": "TCP"}],
        "readinessProbe": {
            "httpGet": {"path": "/healthz/ready", "port": 15021, "scheme": "HTTP"},
            "initialDelaySeconds": 0,
            "periodSeconds": 2,
            "timeoutSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 30,
        },
        "env": [
            *identity_env(),
            {"name": "PROXY_CONFIG", "value": json.dumps(mesh.proxy_config, sort_keys=True)},
            {"name": "CA_ADDR", "value": mesh.discovery},
            {"name": "ISTIO_META_WORKLOAD_NAME", "value": gateway.name},
            {"name": "ISTIO_META_OWNER", "value": owner},
            {"name": "ISTIO_META_MESH_ID", "value": TRUST_DOMAIN},
            {"name": "TRUST_DOMAIN", "value": TRUST_DOMAIN},
            {"name": "ISTIO_META_UNPRIVILEGED_POD", "value": "true"},
            {"name": "ISTIO_META_CLUSTER_ID", "value": "Kubernetes"},
        ],
    }  # fmt: skip


def identity_env() -> list[dict[str, Any]]:
    """The environment by which a proxy learns which pod it is."""
    fields = {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "INSTANCE_IP": "status.podIP",
        "SERVICE_ACCOUNT": "spec.serviceAccountName",
        "HOST_IP": "status.hostIP",
        "ISTIO_META_NODE_NAME": "spec.nodeName",
    }
    return [{"name": k, "valueFrom": {"fieldRef": {"fieldPath": v}}} for k, v in fields.items()]
