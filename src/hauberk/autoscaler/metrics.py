"""From a queue's `/metrics` to one second's sample. Pure.

The queue is an Envoy, so the metrics have Envoy's names. Requests that only probe never reach the cluster
`queue|user`, so an idle revision measures exactly 0.
"""

from __future__ import annotations

import math
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
            found[_FIELDS[match[1]]] = _count(match[3])
    return Reading(**found)


def _count(text: str) -> float:
    """A count; 0 for what is none. The pod says it, and an infinite demand would end the decision."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value >= 0 else 0.0


def ended_between(before: Reading | None, after: Reading) -> float:
    """How many requests ended between two readings."""
    if before is None or after.total < before.total:
        return 0.0
    return max(0.0, before.active + after.total - before.total - after.active)


def sample_of(
    before: Reading | None, after: Reading, elapsed_s: float, *, ended_earlier: float = 0.0
) -> Sample:
    """One pod's sample between two readings; `ended_earlier` requests ended between the two before.

    A request that ended was in the pod for at most the whole interval, however long it took in all: so
    `busy` never exceeds the number of requests that ended, or the end of one long request would look like
    many requests. Envoy shows durations one reading late.
    """
    now = after.active + after.waiting
    if before is None or elapsed_s <= 0 or after.total < before.total:  # a new pod, or its proxy restarted
        return Sample(now, 0.0)
    busy = max(0.0, after.busy_ms - before.busy_ms) / (1000 * elapsed_s)
    ended = max(ended_between(before, after), ended_earlier)
    return Sample(now, (after.total - before.total) / elapsed_s, min(busy, ended))


def sum_of(samples: Iterable[Sample], pods: int) -> Sample:
    """The whole revision's sample, when only some of its pods answered.

    Source: knative/serving pkg/autoscaler/metrics/stats_scraper.go, computeAverages.
    """
    rows = list(samples)
    share = pods / len(rows) if rows else 0.0
    sums = (sum(s.concurrency for s in rows), sum(s.rps for s in rows), sum(s.busy for s in rows))
    return Sample(*(value * share for value in sums))
