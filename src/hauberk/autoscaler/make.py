"""The children of a PodAutoscaler, and the size it gives its Deployment.

Source: knative/serving pkg/reconciler/autoscaling/resources/{metric,sks}.go.
"""

from __future__ import annotations

from typing import Any, Literal

from hauberk.autoscaler.config import Settings
from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, labels_of

A_METRIC = "autoscaling.knative.dev/metric"
_NANO = 1_000_000_000
Mode = Literal["Proxy", "Serve"]


def _meta(autoscaler: Json, *drop: str) -> dict[str, Any]:
    meta = autoscaler["metadata"]
    notes = {k: v for k, v in annotations_of(autoscaler).items() if k not in drop}
    return {
        "name": meta["name"],
        "namespace": meta["namespace"],
        "labels": dict(labels_of(autoscaler)),
        "annotations": notes,
    }


def make_sks(autoscaler: Json, mode: Mode, activators: int) -> Json:
    """The ServerlessService: to the pods (Serve) or to the activators (Proxy)."""
    spec = autoscaler["spec"]
    return {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "ServerlessService",
        "metadata": _meta(autoscaler, A_METRIC),
        "spec": {
            "mode": mode,
            "numActivators": activators,
            "objectRef": dict(spec["scaleTargetRef"]),
            "protocolType": spec.get("protocolType") or "http1",
        },
    }


def make_metric(autoscaler: Json, settings: Settings) -> Json:
    """What is measured: the pods behind the private Service, over two windows in nanoseconds."""
    return {
        "apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
        "kind": "Metric",
        "metadata": _meta(autoscaler),
        "spec": {
            "panicWindow": int(settings.panic_window_s * _NANO),
            "stableWindow": int(settings.spec.stable_window * _NANO),
            "scrapeTarget": child_name(autoscaler["metadata"]["name"], "-private"),
        },
    }


def make_scale(autoscaler: Json, pods: int) -> Json:
    """The one field of the Deployment that is the autoscaler's."""
    target = autoscaler["spec"]["scaleTargetRef"]
    return {
        "apiVersion": target["apiVersion"],
        "kind": target["kind"],
        "metadata": {"name": target["name"], "namespace": autoscaler["metadata"]["namespace"]},
        "spec": {"replicas": pods},
    }
