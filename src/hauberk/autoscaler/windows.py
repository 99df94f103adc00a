"""Averages and maxima over the last seconds, in buckets of one second. No clock inside.

Source: knative/serving pkg/autoscaler/aggregation/{bucketing,max/window}.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Series:
    """One value per second; what is older than `keep_s` is forgotten."""

    keep_s: float = 60.0
    buckets: dict[int, float] = field(default_factory=dict)
    first: int | None = None

    def record(self, value: float, now: float) -> None:
        """Note the value of this second; a later value of the same second replaces it."""
        second = math.floor(now)
        if self.first is None or self._is_empty(now):
            self.first = second
        self.buckets[second] = value
        while (oldest := next(iter(self.buckets))) <= second - self.keep_s:
            del self.buckets[oldest]

    def average(self, window_s: float, now: float) -> float | None:
        """The mean of the last `window_s` seconds; None without data in them.

        A second without a value counts as 0 once recording has begun, as upstream's buckets do, except the
        present one, which may not be measured yet.
        """
        second = math.floor(now)
        inside = [v for s, v in self.buckets.items() if second - window_s < s <= second]
        if not inside or self.first is None:
            return None
        last = second if second in self.buckets else second - 1
        span = min(window_s, last - self.first + 1)
        return sum(inside) / max(1.0, span)

    def _is_empty(self, now: float) -> bool:
        return not any(s > math.floor(now) - self.keep_s for s in self.buckets)


@dataclass(slots=True)
class Highest:
    """The highest pod count that was wanted within a delay: scale-down waits for it to pass."""

    rows: list[tuple[float, int]] = field(default_factory=list)

    def record(self, pods: int, delay_s: float, now: float, *, reachable: bool = True) -> int:
        """Note a wanted count; returns the highest of the last `delay_s` seconds, if a Route leads here."""
        if not reachable:
            return pods
        kept = [(t, n) for t, n in self.rows if t > now - delay_s and n > pods]
        self.rows = [*kept, (now, pods)]
        return max(n for _, n in self.rows)


@dataclass(slots=True)
class Held:
    """How many requests wait, and their mean since it was last asked."""

    count: int = 0
    area: float = 0.0  # request-seconds since `asked`
    changed: float = 0.0
    asked: float = 0.0

    def change(self, by: int, now: float) -> None:
        """More or fewer requests wait from now on."""
        self.area += self.count * max(0.0, now - self.changed)
        self.count, self.changed = max(0, self.count + by), now

    def take_mean(self, now: float) -> float:
        """The mean since the last call; at least what waits now, so that a burst counts at once."""
        self.change(0, now)
        span = now - self.asked
        mean = self.area / span if span > 0 else 0.0
        self.area, self.asked = 0.0, now
        return max(mean, float(self.count))
