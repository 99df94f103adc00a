"""A HorizontalPodAutoscaler's metrics and pods, as rows to decide on. Pure.

Source: kubernetes pkg/controller/podautoscaler/{replica_calculator,metrics/client}.go.
Deviation: memory is what a pod's processes share of the machine's (PSS), not a cgroup's working set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from hauberk.autoscaler.hpa.decide import CPU_START_S, Row
from hauberk.base.conditions import condition
from hauberk.base.quantities import parse_quantity
from hauberk.base.refs import Json, is_deleting
from hauberk.base.times import epoch

DEFAULT_PERCENT = 80
Name = Literal["cpu", "memory"]


class Unreadable(Exception):
    """A metric that cannot be decided on: the reason and message of the condition `ScalingActive`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass(frozen=True, slots=True)
class Used:
    """What one pod uses: cores (None before the second reading) and bytes."""

    cpu: float | None
    memory: float

    def of(self, name: Name) -> float | None:
        """One of both."""
        return self.cpu if name == "cpu" else self.memory


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the spec. `target`: percent of the request, or cores or bytes per pod."""

    name: Name
    target: float
    percent: bool


def metrics_of(hpa: Json) -> list[Metric]:
    """The metrics to decide on. Raises Unreadable for those that nobody measures here."""
    rows = (hpa.get("spec") or {}).get("metrics")
    if not rows:
        return [Metric("cpu", DEFAULT_PERCENT, percent=True)]
    return [_metric(row) for row in rows]


def _metric(row: Json) -> Metric:
    source = row.get("resource") or {}
    name = source.get("name", "")
    if row.get("type") != "Resource" or name not in ("cpu", "memory"):
        text = f"metrics of type {row.get('type')} are not measured here; Resource cpu and memory are"
        raise Unreadable("InvalidMetricSourceType", text)
    target = source.get("target") or {}
    if target.get("averageUtilization"):
        return Metric(name, float(target["averageUtilization"]), percent=True)
    if target.get("averageValue"):
        return Metric(name, float(parse_quantity(target["averageValue"])), percent=False)
    raise Unreadable(f"FailedGet{name.capitalize()}Resource", "invalid resource metric source: no target")


def counted(pods: Iterable[Json]) -> Iterator[Json]:
    """The pods that count: neither on their way out nor failed."""
    for pod in pods:
        if not is_deleting(pod) and (pod.get("status") or {}).get("phase") != "Failed":
            yield pod


def rows_of(metric: Metric, pods: Iterable[Json], used: Mapping[str, Used], now: float) -> list[Row]:
    """One row a pod. Raises Unreadable when a percentage is asked of a container without a request."""
    return [_row(metric, pod, used.get(pod["metadata"]["uid"]), now) for pod in counted(pods)]


def _row(metric: Metric, pod: Json, used: Used | None, now: float) -> Row:
    unit = _request(metric.name, pod) / 100 if metric.percent else 1.0
    if not _is_ready(metric, pod, now):
        return Row(None, ready=False)
    amount = None if used is None else used.of(metric.name)
    return Row(None if amount is None else amount / unit)


def _is_ready(metric: Metric, pod: Json, now: float) -> bool:
    status = pod.get("status") or {}
    row = condition(pod, "Ready")
    if status.get("phase") == "Pending":
        return False
    if metric.name != "cpu" or (row is not None and row["status"] == "True"):
        return True
    started = status.get("startTime")
    return row is not None and started is not None and now - epoch(started) > CPU_START_S


def _request(name: str, pod: Json) -> float:
    """The sum of the requests of all containers, in cores or bytes."""
    spec, total = pod.get("spec") or {}, 0.0
    lasting = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*lasting, *(spec.get("containers") or ())):
        text = ((container.get("resources") or {}).get("requests") or {}).get(name)
        if text is None:
            where = f"in container {container['name']} of Pod {pod['metadata']['name']}"
            raise Unreadable("FailedGetResourceMetric", f"missing request for {name} {where}")
        total += float(parse_quantity(text))
    return total or 1e-9
