"""Minimal valid objects of every kind, for tests."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hauberk.kinds import BY_ID

_POD_SPEC = {"containers": [{"name": "app", "image": "hauberk.local/helloworld"}]}
_TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": _POD_SPEC}
_WORKLOAD = {"selector": {"matchLabels": {"app": "a"}}, "template": _TEMPLATE}
_PLAIN_TEMPLATE = {"spec": _POD_SPEC}
_BACKENDS = {
    "http": {"paths": [{"splits": [{"serviceName": "s", "serviceNamespace": "default", "servicePort": 80}]}]}
}

# What a kind's rules demand beyond metadata.
_PARTS: Mapping[str, Mapping[str, Any]] = {
    "Pod": {"spec": _POD_SPEC},
    "Service": {"spec": {"ports": [{"port": 80}], "selector": {"app": "a"}}},
    "Event": {"involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}, "reason": "R"},
    "Deployment.apps": {"spec": _WORKLOAD},
    "ReplicaSet.apps": {"spec": _WORKLOAD},
    "DaemonSet.apps": {"spec": _WORKLOAD},
    "StatefulSet.apps": {"spec": {**_WORKLOAD, "serviceName": "s"}},
    "EndpointSlice.discovery.k8s.io": {"addressType": "IPv4", "endpoints": []},
    "RoleBinding.rbac.authorization.k8s.io": {"roleRef": {"kind": "Role", "name": "r"}},
    "ClusterRoleBinding.rbac.authorization.k8s.io": {"roleRef": {"kind": "ClusterRole", "name": "r"}},
    "Gateway.networking.istio.io": {
        "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
        }
    },
    "VirtualService.networking.istio.io": {
        "spec": {"hosts": ["a.example.com"], "http": [{"route": [{"destination": {"host": "a"}}]}]}
    },
    "DestinationRule.networking.istio.io": {"spec": {"host": "a"}},
    "ServiceEntry.networking.istio.io": {
        "spec": {
            "hosts": ["a.example.com"],
            "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
            "resolution": "DNS",
        }
    },
    "Service.serving.knative.dev": {"spec": {"template": _PLAIN_TEMPLATE}},
    "Configuration.serving.knative.dev": {"spec": {"template": _PLAIN_TEMPLATE}},
    "Revision.serving.knative.dev": {"spec": _POD_SPEC},
    "Route.serving.knative.dev": {"spec": {"traffic": [{"percent": 100, "configurationName": "a"}]}},
    "Ingress.networking.internal.knative.dev": {
        "spec": {"rules": [{"hosts": ["a.example.com"], **_BACKENDS}]}
    },
    "Route.route.openshift.io": {"spec": {"host": "a.example.com", "to": {"kind": "Service", "name": "s"}}},
}


def a(kind_id: str, name: str = "a", namespace: str = "default", **parts: Any) -> dict[str, Any]:
    """A minimal object of a kind name.

    `parts` replace top-level parts (`spec=…`, `data=…`); `metadata` is merged into.
    """
    kind = BY_ID[kind_id]
    place = {"name": name, **({"namespace": namespace} if kind.namespaced else {})}
    base: dict[str, Any] = copy.deepcopy(dict(_PARTS.get(kind_id, {})))
    metadata = {**place, **parts.pop("metadata", {})}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **base, **parts}
