"""What an OpenShift cluster has before anybody asks: its apps domain and its router. Pure.

Source: openshift/cluster-ingress-operator pkg/operator/controller/ingress (names, labels, ports).
"""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.kinds.networking.ingress_class import ROUTES
from hauberk.kinds.openshift.ingress_config import CLUSTER
from hauberk.openshift.names import ROUTER, ROUTER_IMAGE, ROUTER_NAME, ROUTER_NAMESPACE

SELECTOR = {"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": ROUTER_NAME}
_OWNER = {"ingresscontroller.operator.openshift.io/owning-ingresscontroller": ROUTER_NAME}
_PORTS = {"http": 80, "https": 443, "metrics": 1936}


def bootstrap_objects(domain: str) -> tuple[Json, ...]:
    """The objects to apply when the cluster starts, in order. `domain` is the apps domain."""
    return (
        _make("v1", "Namespace", ROUTER_NAMESPACE, ""),
        _make("config.openshift.io/v1", "Ingress", CLUSTER, "", spec={"domain": domain}),
        _make("networking.k8s.io/v1", "IngressClass", "openshift-default", "", spec={"controller": ROUTES}),
        _make("v1", "ServiceAccount", "router", ROUTER_NAMESPACE),
        _deployment(),
        _make(
            "v1",
            "Service",
            "router-internal-default",
            ROUTER_NAMESPACE,
            spec={
                "type": "ClusterIP",
                "selector": SELECTOR,
                "ports": [
                    {"name": n, "port": p, "targetPort": n, "protocol": "TCP"} for n, p in _PORTS.items()
                ],
            },
        ),
    )


def _deployment() -> Json:
    ports = [{"name": n, "containerPort": p, "protocol": "TCP"} for n, p in _PORTS.items()]
    template = {
        "metadata": {"labels": SELECTOR},
        "spec": {
            "serviceAccountName": "router",
            "containers": [{"name": "router", "image": ROUTER_IMAGE, "ports": ports}],
        },
    }
    spec = {"replicas": 1, "selector": {"matchLabels": SELECTOR}, "template": template}
    return _make("apps/v1", "Deployment", ROUTER, ROUTER_NAMESPACE, spec=spec)


def _make(api_version: str, kind: str, name: str, namespace: str, **fields: Json) -> Json:
    metadata = {"name": name, "labels": _OWNER, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
