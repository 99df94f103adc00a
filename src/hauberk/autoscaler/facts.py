"""What the autoscaler knows from outside the API: samples, held requests, decisions. In memory only.

After a restart it is empty; then the scale stays as it is until there is data, as upstream's does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hauberk.autoscaler.config import Settings
from hauberk.autoscaler.decide import Panic, Seen, decide, excess_burst_capacity
from hauberk.autoscaler.windows import Held, Highest, Series
from hauberk.ports import Clock

Key = tuple[str, str]
"""Namespace and name of a revision."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The last decision about a revision."""

    pods: int
    excess: float  # burst capacity that is left; negative: the activator stays in the path


@dataclass(frozen=True, slots=True)
class Sample:
    """One second of one revision, over all its pods.

    Concurrency is seen twice: as what was in the pods at one instant, which is sure to see long requests,
    and as what the durations of ended requests add up to per second, which is sure to see short ones. In
    the mean both are the same number.
    """

    concurrency: float
    rps: float
    busy: float = 0.0


@dataclass(slots=True)
class _Record:
    concurrency: Series = field(default_factory=Series)
    busy: Series = field(default_factory=Series)
    rps: Series = field(default_factory=Series)
    held: Held = field(default_factory=Held)
    highest: Highest = field(default_factory=Highest)
    panic: Panic | None = None
    begun: bool = False
    wanted: Wanted | None = None
    failure: str = ""
    quiet: bool = False  # nothing but zeros in the windows, no pods, nothing wanted

    def average(self, metric: str, window_s: float, now: float) -> float | None:
        """The mean of the metric over a window; None without data.

        The two views of concurrency are compared as means, not second by second: a pod whose request just
        ended and one whose request just began would count one request twice.
        """
        if metric == "rps":
            return self.rps.average(window_s, now)
        means = (self.concurrency.average(window_s, now), self.busy.average(window_s, now))
        return max((m for m in means if m is not None), default=None)


class Facts:
    """The autoscaler's memory. Not thread-safe; every method is synchronous."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[Key, _Record] = {}
        self._listeners: list[Callable[[Key], None]] = []
        self._ask: Callable[[Key], Awaitable[Mapping[str, int] | None]] | None = None

    def ask_by(self, ask: Callable[[Key], Awaitable[Mapping[str, int] | None]]) -> None:
        """Name whoever can ask the pods how many requests they have."""
        self._ask = ask

    async def in_flight(self, key: Key) -> Mapping[str, int] | None:
        """Requests in each ready pod by its IP, asked now; None when the pods cannot be asked."""
        return await self._ask(key) if self._ask else None

    def listen(self, listener: Callable[[Key], None]) -> None:
        """Call `listener` when a revision must be looked at again. It must not block."""
        self._listeners.append(listener)

    def _tell(self, key: Key) -> None:
        for listener in self._listeners:
            listener(key)

    def _record(self, key: Key) -> _Record:
        return self._records.setdefault(key, _Record())

    def hold(self, key: Key, by: int) -> None:
        """Requests began (+1) or ended (-1) to wait for this revision. The first one wakes it at once."""
        record = self._record(key)
        before, record.quiet = record.held.count, False
        record.held.change(by, self._clock.monotonic())
        if before == 0 and record.held.count > 0:
            self._tell(key)

    def held(self, key: Key) -> int:
        """Requests that wait now."""
        record = self._records.get(key)
        return record.held.count if record else 0

    def is_quiet(self, key: Key) -> bool:
        """Whether another sample without pods and requests would change nothing.

        Source: knative/serving pkg/autoscaler/metrics/collector.go, Pause (at zero nothing is scraped).
        """
        record = self._records.get(key)
        return record is not None and record.quiet

    def wanted(self, key: Key) -> Wanted | None:
        """The last decision; None while there is no data."""
        record = self._records.get(key)
        return record.wanted if record else None

    def failure(self, key: Key) -> str:
        """Why the last scrape failed; empty when it did not."""
        record = self._records.get(key)
        return record.failure if record else ""

    def fail(self, key: Key, why: str) -> None:
        """A scrape failed: nothing is known, so nothing may shrink."""
        record = self._record(key)
        is_news = record.failure != why or record.wanted is not None
        record.failure, record.wanted = why, None
        if is_news:
            self._tell(key)

    def measure(self, key: Key, sample: Sample, ready: int, settings: Settings) -> Wanted | None:
        """Take one second's sample of all pods, and decide. Held requests count as concurrency."""
        record = self._record(key)
        now = self._clock.monotonic()
        waiting = record.held.take_mean(now)
        for series in (record.concurrency, record.busy, record.rps):
            series.keep_s = max(settings.spec.stable_window, settings.panic_window_s)
        record.concurrency.record(sample.concurrency + waiting, now)
        record.busy.record(sample.busy + waiting, now)
        record.rps.record(sample.rps, now)
        before, had_failed = record.wanted, bool(record.failure)
        record.failure = ""
        record.wanted = self._decide(record, ready, settings, now)
        if record.wanted != before or had_failed:
            self._tell(key)
        return record.wanted

    def _decide(self, record: _Record, ready: int, settings: Settings, now: float) -> Wanted | None:
        stable = record.average(settings.metric, settings.spec.stable_window, now)
        panic = record.average(settings.metric, settings.panic_window_s, now)
        if stable is None or panic is None:
            return None
        if not record.begun:  # as upstream: a restart in the middle of a load must not shrink it
            record.begun = True
            record.panic = Panic(now, ready) if ready > 1 else None
        seen = Seen(stable, panic, ready)
        decision = decide(settings.spec, seen, record.panic, now)
        record.panic = decision.panic
        pods = decision.pods
        if settings.down_delay_s > 0:
            reachable = settings.spec.reachable
            pods = record.highest.record(pods, settings.down_delay_s, now, reachable=reachable)
        excess = excess_burst_capacity(ready, settings.total, settings.burst_capacity, panic)
        record.quiet = not (pods or ready or stable or panic or record.held.count or record.panic)
        return Wanted(pods, excess)

    def forget(self, keep: set[Key]) -> None:
        """Drop what is known of revisions that are gone."""
        for key in [k for k in self._records if k not in keep and self._records[k].held.count == 0]:
            del self._records[key]
