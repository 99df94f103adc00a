"""autoscaling.internal.knative.dev/v1alpha1 PodAutoscaler: how many pods a revision has, and why."""

from __future__ import annotations

from typing import Any, Literal

from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import AUTOSCALING, READY


class ScaleTarget(Part, frozen=True):
    """The scaled object."""

    api_version: str = ""
    kind: str = ""
    name: str = ""


class PodAutoscalerSpec(Part, frozen=True):
    """What is scaled, and whether a Route leads to it."""

    scale_target_ref: ScaleTarget = ScaleTarget()
    reachability: Literal["", "Reachable", "Unreachable"] = ""
    container_concurrency: int = 0
    protocol_type: Literal["http1", "h2c"] = "http1"


class PodAutoscaler(Part, frozen=True):
    """PodAutoscaler scales a revision; its class says by which algorithm."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodAutoscalerSpec = PodAutoscalerSpec()
    status: dict[str, Any] | None = None


KIND = Kind(
    group="autoscaling.internal.knative.dev",
    name="PodAutoscaler",
    plural="podautoscalers",
    versions=("v1alpha1",),
    short_names=("kpa", "pa"),
    categories=AUTOSCALING,
    model=PodAutoscaler,
    columns=(
        Column("DesiredScale", ".status.desiredScale", "integer"),
        Column("ActualScale", ".status.actualScale", "integer"),
        *READY,
    ),
)
