"""The ConfigMaps of knative-serving as a fresh installation has them.

Source: knative/serving config/core/configmaps (all data is `_example` there), and OpenShift's changes in
openshift-knative/serverless-operator openshift-knative-operator/pkg/serving/extension.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from hauberk.serving.config.deployment import QUEUE_IMAGE
from hauberk.serving.names import ISTIO_CLASS, KOURIER_CLASS

NAMES = (
    "config-autoscaler",
    "config-certmanager",
    "config-defaults",
    "config-deployment",
    "config-domain",
    "config-features",
    "config-gc",
    "config-leader-election",
    "config-logging",
    "config-network",
    "config-observability",
    "config-tracing",
)


def config_maps(domain: str, *, istio: bool) -> dict[str, Mapping[str, str]]:
    """ConfigMap name → data. `domain` is the cluster's apps domain; `istio` chooses the ingress class."""
    changed: dict[str, Mapping[str, str]] = {
        "config-deployment": {"queue-sidecar-image": QUEUE_IMAGE},
        "config-domain": {domain: ""},
        "config-network": {
            "ingress-class": ISTIO_CLASS if istio else KOURIER_CLASS,
            "domain-template": "{{.Name}}-{{.Namespace}}.{{.Domain}}",
            "default-external-scheme": "https",
            "autocreate-cluster-domain-claims": "true",
        },
        "config-istio" if istio else "config-kourier": {},
    }
    return {**{name: {} for name in NAMES}, **changed}
