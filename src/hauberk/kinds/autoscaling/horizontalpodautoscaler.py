"""autoscaling/v2 HorizontalPodAutoscaler: pods by a metric. Stored; it does not act yet."""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act


def _reference(scaler: Json, _now: float) -> str:
    target = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


KIND = Kind(
    group="autoscaling",
    name="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    singular="horizontalpodautoscaler",
    versions=("v2",),
    short_names=("hpa",),
    categories=("all",),
    model=Stored,
    advice=does_not_act("HorizontalPodAutoscaler", "nothing is scaled by it; Knative has its own autoscaler"),
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
