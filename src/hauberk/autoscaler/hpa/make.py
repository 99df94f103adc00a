"""The HorizontalPodAutoscaler of a PodAutoscaler of class HPA. Pure.

Source: knative/serving pkg/reconciler/autoscaling/hpa/resources/hpa.go, MakeHPA.
"""

from __future__ import annotations

import math
from typing import Any

from hauberk.autoscaler.config import PREFIX, Settings
from hauberk.base.refs import Json, annotations_of, labels_of

HPA_CLASS = "hpa.autoscaling.knative.dev"
NO_LIMIT = 2**31 - 1


def metric_of(autoscaler: Json) -> str:
    """What is measured; `cpu` unless the annotation says otherwise.

    Source: knative/serving pkg/apis/autoscaling/v1alpha1/pa_lifecycle.go, Metric (defaultMetric).
    """
    return annotations_of(autoscaler).get(f"{PREFIX}metric", "cpu")


def make_hpa(autoscaler: Json, settings: Settings) -> Json:
    """Bounds, target and metric as the revision's annotations say."""
    meta, target = autoscaler["metadata"], autoscaler["spec"]["scaleTargetRef"]
    spec: dict[str, Any] = {
        "scaleTargetRef": {k: target[k] for k in ("apiVersion", "kind", "name")},
        "maxReplicas": settings.max_scale or NO_LIMIT,
    }
    if settings.min_scale > 0:
        spec["minReplicas"] = settings.min_scale
    if metric := _metric(autoscaler):
        spec["metrics"] = [metric]
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": dict(labels_of(autoscaler)),
            "annotations": dict(annotations_of(autoscaler)),
        },
        "spec": spec,
    }


def _metric(autoscaler: Json) -> dict[str, Any]:
    """CPU in percent of the request, memory in MiB; without a target Kubernetes' default counts, 80 % CPU."""
    try:
        target = float(annotations_of(autoscaler).get(f"{PREFIX}target", ""))
    except ValueError:
        return {}
    name = metric_of(autoscaler)
    if name == "cpu":
        wanted: dict[str, Any] = {"type": "Utilization", "averageUtilization": math.ceil(target)}
        return {"type": "Resource", "resource": {"name": name, "target": wanted}}
    if name == "memory":
        wanted = {"type": "AverageValue", "averageValue": f"{int(target)}Mi"}
        return {"type": "Resource", "resource": {"name": name, "target": wanted}}
    wanted = {"type": "AverageValue", "averageValue": f"{target:g}"}
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": wanted}}
