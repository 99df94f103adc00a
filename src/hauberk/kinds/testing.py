"""Minimal valid objects of every kind, for tests."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hauberk.kinds import BY_ID

_POD_SPEC = {"containers": [{"name": "app", "image": "hauberk.local/helloworld"}]}
_TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": _POD_SPEC}
_RUN_ONCE = {**_TEMPLATE, "spec": {**_POD_SPEC, "restartPolicy": "Never"}}
_WORKLOAD = {"selector": {"matchLabels": {"app": "a"}}, "template": _TEMPLATE}
_PLAIN_TEMPLATE = {"spec": _POD_SPEC}
_SINK = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s", "namespace": "default"}}
_CHANNEL = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}
_BROKER = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b"}
_SUBJECT = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "d"}
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
    "DomainMapping.serving.knative.dev": {
        "spec": {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "s"}}
    },
    "Certificate.networking.internal.knative.dev": {
        "spec": {"dnsNames": ["a.example.com"], "secretName": "a"}
    },
    "ClusterDomainClaim.networking.internal.knative.dev": {"spec": {"namespace": "default"}},
    "Image.caching.internal.knative.dev": {"spec": {"image": "hauberk.local/helloworld"}},
    "ServiceMeshMember.maistra.io": {"spec": {"controlPlaneRef": {"name": "m", "namespace": "istio-system"}}},
    "Ingress.config.openshift.io": {"spec": {"domain": "apps.example.com"}},
    "Job.batch": {"spec": {"selector": {"matchLabels": {"app": "a"}}, "template": _RUN_ONCE}},
    "CronJob.batch": {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": _RUN_ONCE}}}},
    "PersistentVolume": {
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/var/lib/a"},
        }
    },
    "PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "StorageClass.storage.k8s.io": {"provisioner": "example.com/a"},
    "Ingress.networking.k8s.io": {
        "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}
    },
    "Broker.eventing.knative.dev": {
        "metadata": {"annotations": {"eventing.knative.dev/broker.class": "MTChannelBasedBroker"}}
    },
    "Trigger.eventing.knative.dev": {"spec": {"broker": "b", "subscriber": _SINK}},
    "Channel.messaging.knative.dev": {"spec": {"channelTemplate": _CHANNEL}},
    "EventType.eventing.knative.dev": {"spec": {"type": "com.example.a"}},
    "Subscription.messaging.knative.dev": {
        "spec": {"channel": {**_CHANNEL, "name": "c"}, "subscriber": _SINK}
    },
    "PingSource.sources.knative.dev": {"spec": {"sink": _SINK}},
    "ApiServerSource.sources.knative.dev": {
        "spec": {"resources": [{"apiVersion": "v1", "kind": "Event"}], "sink": _SINK}
    },
    "ContainerSource.sources.knative.dev": {"spec": {"template": _PLAIN_TEMPLATE, "sink": _SINK}},
    "SinkBinding.sources.knative.dev": {"spec": {"subject": _SUBJECT, "sink": _SINK}},
    "JobSink.sinks.knative.dev": {"spec": {"job": {"spec": {"template": _RUN_ONCE}}}},
    "KafkaSource.sources.knative.dev": {
        "spec": {"topics": ["t"], "bootstrapServers": ["kafka:9092"], "sink": _SINK}
    },
    "KafkaSink.eventing.knative.dev": {"spec": {"topic": "t", "bootstrapServers": ["kafka:9092"]}},
    "Sequence.flows.knative.dev": {"spec": {"steps": [_SINK], "channelTemplate": _CHANNEL}},
    "Parallel.flows.knative.dev": {
        "spec": {"branches": [{"subscriber": _SINK}], "channelTemplate": _CHANNEL}
    },
    "CustomResourceDefinition.apiextensions.k8s.io": {
        "spec": {
            "group": "example.com",
            "names": {"kind": "A", "plural": "as"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        }
    },
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": {
        "spec": {"policyName": "p", "validationActions": ["Deny"]}
    },
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io": {
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}
                ]
            },
            "validations": [{"expression": "true"}],
        }
    },
    "Route.route.openshift.io": {"spec": {"host": "a.example.com", "to": {"kind": "Service", "name": "s"}}},
}


_FIXED_NAMES = {
    "CustomResourceDefinition.apiextensions.k8s.io": "as.example.com",
    "DomainMapping.serving.knative.dev": "a.example.com",
}


def a(kind_id: str, name: str = "", namespace: str = "default", **parts: Any) -> dict[str, Any]:
    """A minimal object of a kind name, called `a` unless its rules say otherwise.

    `parts` replace top-level parts (`spec=…`, `data=…`); `metadata` is merged into.
    """
    kind = BY_ID[kind_id]
    place = {
        "name": name or _FIXED_NAMES.get(kind_id, "a"),
        **({"namespace": namespace} if kind.namespaced else {}),
    }
    base: dict[str, Any] = copy.deepcopy(dict(_PARTS.get(kind_id, {})))
    metadata = {**place, **base.pop("metadata", {}), **parts.pop("metadata", {})}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **base, **parts}
