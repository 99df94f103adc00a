"""The objects that a new cluster has before anybody asks for one."""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.workloads.storage.names import LOCAL_CLASS

API_IP = "172.30.0.1"
NODE_IP, API_PORT = "10.128.0.1", 6443  # where pods reach the API, behind API_IP:443
DNS_IP = "172.30.0.10"

NAMESPACES = (
    "default",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    "openshift",
    "openshift-config",
    "openshift-dns",
    "openshift-ingress",
    "openshift-operators",
)


def bootstrap_objects() -> tuple[Json, ...]:
    """Namespaces, the API's Service with its endpoints, the DNS Service, a class of volumes.

    Created when missing.
    """
    fixed = (_api_service(), _api_endpoints(), _dns_service(), LOCAL_CLASS)
    return (*map(_namespace, NAMESPACES), *fixed)


def _namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _api_service() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": API_IP,
            "clusterIPs": [API_IP],
            "ports": [{"name": "https", "port": 443, "targetPort": API_PORT}],
        },
    }


def _api_endpoints() -> Json:
    """Deviation: upstream's API server writes the EndpointSlice too; here the mirroring controller does."""
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "subsets": [
            {
                "addresses": [{"ip": NODE_IP}],
                "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}],
            }
        ],
    }


def _dns_service() -> Json:
    """The node answers DNS itself, so this Service only reserves and names the address."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "dns-default",
            "namespace": "openshift-dns",
            "labels": {"dns.operator.openshift.io/owning-dns": "default"},
        },
        "spec": {
            "clusterIP": DNS_IP,
            "clusterIPs": [DNS_IP],
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
            ],
        },
    }
