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
    if (raw.get("spec") or {}).get("behavior"):
        yield "spec.behavior does not act on the embedded cluster: its defaults do"


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
