"""From a queue's `/metrics` to one second's sample. Pure.

The queue is an Envoy, so the metrics have Envoy's names. Requests that only probe never reach the cluster
`queue|user`, so an idle revision measures exactly 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hauberk.autoscaler.facts import Sample

CLUSTER = "queue|user"
_LINE = re.compile(r"^(\w+)\{([^}]*)\}\s+([-+.eE0-9]+)")
_LABEL = f'envoy_cluster_name="{CLUSTER}"'


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of one pod at one instant; `busy_ms` is the sum of all requests' durations."""

    active: float = 0.0
    waiting: float = 0.0
    total: float = 0.0
    busy_ms: float = 0.0


_FIELDS = {
    "envoy_cluster_upstream_rq_active": "active",
    "envoy_cluster_upstream_rq_pending_active": "waiting",
    "envoy_cluster_upstream_rq_total": "total",
    "envoy_cluster_upstream_rq_time_sum": "busy_ms",
}


def parse_metrics(text: str) -> Reading:
    """Read the lines about user requests; what is missing counts as 0."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match[1] in _FIELDS and _LABEL in match[2]:
            found[_FIELDS[match[1]]] = float(match[3])
    return Reading(**found)


def sample_of(before: Reading | None, after: Reading, elapsed_s: float) -> Sample:
    """One pod's mean concurrency and requests per second between two readings.

    Concurrency is what is in the pod now, or what the durations of the ended requests add up to, whichever
    is more: the first sees long requests, the second short ones.
    """
    now = after.active + after.waiting
    if before is None or elapsed_s <= 0 or after.total < before.total:  # a new pod, or its proxy restarted
        return Sample(now, 0.0)
    busy = max(0.0, after.busy_ms - before.busy_ms) / (1000 * elapsed_s)
    return Sample(max(now, busy), (after.total - before.total) / elapsed_s)


def sum_of(samples: Iterable[Sample], pods: int) -> Sample:
    """The whole revision's sample, when only some of its pods answered.

    Source: knative/serving pkg/autoscaler/metrics/stats_scraper.go, computeAverages.
    """
    rows = list(samples)
    share = pods / len(rows) if rows else 0.0
    return Sample(sum(s.concurrency for s in rows) * share, sum(s.rps for s in rows) * share)
