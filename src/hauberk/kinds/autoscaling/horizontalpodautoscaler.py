"""autoscaling/v2 HorizontalPodAutoscaler: a number of pods by what they use of CPU and memory."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored


def _reference(scaler: Json, _now: float) -> str:
    target = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def _advice(raw: Json) -> Iterator[str]:
    spec = raw.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    if target.get("kind") not in (None, "Deployment", "ReplicaSet", "StatefulSet"):
        yield "spec.scaleTargetRef: only Deployments, ReplicaSets and StatefulSets are scaled here"
    for i, metric in enumerate(spec.get("metrics") or ()):
        name = (metric.get("resource") or {}).get("name")
        if metric.get("type") != "Resource" or name not in ("cpu", "memory"):
            yield (
                f"spec.metrics[{i}]: metrics of type {metric.get('type')} are not measured on the embedded "
                "cluster; Resource cpu and memory are"
            )


KIND = Kind(
    group="autoscaling",
    name="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    singular="horizontalpodautoscaler",
    versions=("v2",),
    short_names=("hpa",),
    categories=("all",),
    model=Stored,
    advice=_advice,
    namespaced=True,
    columns=(
        Column("Reference", _reference),
        Column("MinPods", ".spec.minReplicas", "integer"),
        Column("MaxPods", ".spec.maxReplicas", "integer"),
        Column("Replicas", ".status.currentReplicas", "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status",),
    has_generation=True,
    builtin=True,
    doc="A number of pods that follows a metric.",
)
