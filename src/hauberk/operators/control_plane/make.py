"""The children of a ServiceMeshControlPlane besides its gateways. Pure.

Source: maistra/istio-operator resources/helm/v2.5 (istio-control/istio-discovery, mesh-config).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import yaml

from hauberk.base.refs import Json
from hauberk.operators.mesh_settings import MeshSettings
from hauberk.operators.names import CLUSTER_DOMAIN, COMPONENT_IMAGE, WORK
from hauberk.operators.objects import make, make_port, make_service_account

DISCOVERY = "istio-discovery"
MESH_CONFIG = "mesh-config"


def common_labels(mesh: MeshSettings, version: str) -> dict[str, str]:
    """The labels that Maistra's operator puts on everything it makes."""
    return {
        "app.kubernetes.io/instance": mesh.namespace,
        "app.kubernetes.io/managed-by": "maistra-istio-operator",
        "app.kubernetes.io/part-of": "istio",
        "app.kubernetes.io/version": version,
        "maistra.io/owner": mesh.namespace,
        "maistra.io/owner-name": mesh.name,
        "release": "istio",
    }


def make_istiod(mesh: MeshSettings, common: Mapping[str, str]) -> Iterator[Json]:
    """ServiceAccount, Deployment and Service of istiod. The control plane does its work; the pod says so."""
    name = f"istiod-{mesh.name}"
    labels = {**common, "app.kubernetes.io/component": DISCOVERY, "app": "istiod", "istio.io/rev": mesh.name}
    selector = {"app": "istiod", "istio.io/rev": mesh.name}
    ports = {"grpc-xds": 15010, "https-dns": 15012, "http-monitoring": 15014}
    yield make_service_account(name, mesh.namespace, labels)
    yield make(
        "apps/v1",
        "Deployment",
        name,
        mesh.namespace,
        labels={**labels, "istio": "pilot"},
        spec={
            "replicas": 1,
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {
                    "labels": {
                        **selector,
                        "istio": "pilot",
                        "maistra-control-plane": mesh.namespace,
                        "sidecar.istio.io/inject": "false",
                    },
                    "annotations": {"sidecar.istio.io/inject": "false", WORK: "mesh"},
                },
                "spec": {
                    "serviceAccountName": name,
                    "containers": [{"name": "discovery", "image": COMPONENT_IMAGE, "args": ["discovery"]}],
                },
            },
        },
    )
    yield make(
        "v1",
        "Service",
        name,
        mesh.namespace,
        labels={**labels, "istio": "pilot"},
        spec={
            "type": "ClusterIP",
            "selector": selector,
            "ports": [
                *(make_port(n, p) for n, p in ports.items()),
                make_port("https-webhook", 443, 15017),
            ],
        },
    )


def make_config_maps(mesh: MeshSettings, common: Mapping[str, str]) -> Iterator[Json]:
    """Mesh configuration and injection values."""
    labels = {**common, "istio.io/rev": mesh.name}
    yield make(
        "v1",
        "ConfigMap",
        f"istio-{mesh.name}",
        mesh.namespace,
        labels=labels,
        data={
            "mesh": yaml.safe_dump(dict(mesh.mesh_config), sort_keys=True),
            "meshNetworks": "networks: {}\n",
        },
    )
    values = {
        "global": {
            "proxy": {
                "clusterDomain": CLUSTER_DOMAIN,
                "excludeInboundPorts": ",".join(map(str, mesh.excluded_inbound)),
                "excludeIPRanges": mesh.excluded_ranges,
                "excludeOutboundPorts": ",".join(map(str, mesh.excluded_outbound)),
                "includeInboundPorts": mesh.included_inbound,
                "includeIPRanges": mesh.included_ranges,
            }
        },
        "revision": mesh.name,
        "sidecarInjectorWebhook": {"rewriteAppHTTPProbe": mesh.rewrite_probes},
    }
    yield make(
        "v1",
        "ConfigMap",
        f"istio-sidecar-injector-{mesh.name}",
        mesh.namespace,
        labels={**labels, "istio": "sidecar-injector"},
        data={"values": json.dumps(values, indent=2, sort_keys=True)},
    )


def make_mtls(mesh: MeshSettings, common: Mapping[str, str]) -> Iterator[Json]:
    """Mesh-wide mTLS: what the sidecars demand and what the clients do.

    | security.dataPlane.mtls | PeerAuthentication | DestinationRules                                 |
    |-------------------------|--------------------|--------------------------------------------------|
    | true                    | STRICT             | *.cluster.local ISTIO_MUTUAL; API server DISABLE |
    | false                   | PERMISSIVE         | none                                             |

    Source: mesh-config/templates/enable-mesh-mtls.yaml, enable-mesh-permissive.yaml.
    """
    labels = {**common, "app": "istio", "app.kubernetes.io/component": MESH_CONFIG}
    yield make(
        "security.istio.io/v1beta1",
        "PeerAuthentication",
        "default",
        mesh.namespace,
        labels=labels,
        spec={"mtls": {"mode": "STRICT" if mesh.strict else "PERMISSIVE"}},
    )
    if not mesh.strict:
        return
    rules = (
        ("default", f"*.{CLUSTER_DOMAIN}", "ISTIO_MUTUAL"),
        ("api-server", f"kubernetes.default.svc.{CLUSTER_DOMAIN}", "DISABLE"),
    )
    for name, host, mode in rules:
        yield make(
            "networking.istio.io/v1beta1",
            "DestinationRule",
            name,
            mesh.namespace,
            labels=labels,
            spec={"host": host, "trafficPolicy": {"tls": {"mode": mode}}},
        )
