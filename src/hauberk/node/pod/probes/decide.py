"""When a probe is asked, and what its answers amount to. Pure.

Source: kubernetes pkg/kubelet/prober/worker.go, doProbe.
Deviation: until a container is ready (or started) for the first time it is asked every few milliseconds
instead of once per period, because a cold start waits for it. A failure of such an early ask counts for
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hauberk.kinds.core.container import Probe
from hauberk.node.pod.model import ProbeKind

EARLY_S = ((0.3, 0.01), (1.0, 0.02), (5.0, 0.05), (30.0, 0.25))
"""(seconds since the first ask, seconds between asks) while the first success is awaited; then the period."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A probe's numbers with upstream's defaults. Times in seconds."""

    delay_s: float = 0.0
    period_s: float = 10.0
    timeout_s: float = 1.0
    successes: int = 1
    failures: int = 3
    grace_s: float | None = None


def rules_of(probe: Probe) -> Rules:
    """The numbers of a probe; a period of 0 (Knative's aggressive probing) is the shortest there is, 1 s."""

    def number(value: int | None, default: float) -> float:
        return float(value) if value else default

    return Rules(
        delay_s=number(probe.initial_delay_seconds, 0.0),
        period_s=number(probe.period_seconds, 10.0 if probe.period_seconds is None else 1.0),
        timeout_s=number(probe.timeout_seconds, 1.0),
        successes=int(number(probe.success_threshold, 1)),
        failures=int(number(probe.failure_threshold, 3)),
        grace_s=probe.termination_grace_period_seconds,
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """What the answers so far amount to. `verdict` None: no threshold has been crossed yet."""

    run: int = 0  # answers in a row like the last one
    last: bool | None = None
    verdict: bool | None = None
    counted_at: float | None = None  # when a failure last counted (or the first ask was)
    first_at: float | None = None
    passed: bool = False  # it succeeded once; only before that it is asked early


@dataclass(frozen=True, slots=True)
class Judged:
    """What to do with an answer."""

    memory: Memory
    verdict: bool | None = None  # set when the container's state should change now
    unhealthy: bool = False  # worth an `Unhealthy` event


def judge(kind: ProbeKind, rules: Rules, memory: Memory, ok: bool, now: float) -> Judged:
    """Take one answer in.

    | answer  | awaiting the first success | since the last counted one | counts | event |
    |---------|----------------------------|----------------------------|--------|-------|
    | success | -                          | -                          | yes    | no    |
    | failure | yes                        | less than a period         | no     | no    |
    | failure | yes                        | a period or more           | yes    | yes   |
    | failure | no                         | -                          | yes    | yes   |
    """
    first = now if memory.first_at is None else memory.first_at
    since = first if memory.counted_at is None else memory.counted_at
    memory = replace(memory, first_at=first)
    if not ok and is_early(kind, memory) and now - since < rules.period_s:
        return Judged(replace(memory, counted_at=since))
    run = memory.run + 1 if memory.last == ok else 1
    counted = memory.counted_at if ok else now
    memory = replace(memory, run=run, last=ok, counted_at=counted)
    if run < (rules.successes if ok else rules.failures):
        return Judged(memory, unhealthy=not ok)
    changed = memory.verdict != ok
    memory = replace(memory, verdict=ok, passed=memory.passed or ok)
    return Judged(memory, ok if changed else None, unhealthy=not ok)


def is_early(kind: ProbeKind, memory: Memory) -> bool:
    """Whether the first success is still awaited."""
    return kind != "liveness" and not memory.passed


def next_delay(kind: ProbeKind, rules: Rules, memory: Memory, now: float) -> float:
    """Seconds until the next ask."""
    if not is_early(kind, memory) or memory.first_at is None:
        return rules.period_s
    waited = now - memory.first_at
    return next((min(gap, rules.period_s) for limit, gap in EARLY_S if waited < limit), rules.period_s)
