"""autoscaling.internal.knative.dev/v1alpha1 Metric: what is measured about a revision, over which windows."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import AUTOSCALING, READY


class MetricSpec(Part, frozen=True):
    """The windows, in nanoseconds, and the Service whose pods are scraped."""

    stable_window: int = 60_000_000_000
    panic_window: int = 6_000_000_000
    scrape_target: str = ""


class Metric(Part, frozen=True):
    """Metric asks the autoscaler to measure a revision's pods."""

    metadata: ObjectMeta = ObjectMeta()
    spec: MetricSpec = MetricSpec()
    status: dict[str, Any] | None = None


KIND = Kind(
    group="autoscaling.internal.knative.dev",
    name="Metric",
    plural="metrics",
    versions=("v1alpha1",),
    categories=AUTOSCALING,
    model=Metric,
    columns=READY,
)
