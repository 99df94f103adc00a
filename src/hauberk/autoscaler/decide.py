"""The KPA: from measured demand to a pod count. Pure; panic mode is a value passed in and handed back.

Source: knative/serving pkg/autoscaler/scaling/autoscaler.go, autoscaler.Scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The autoscaling settings of one revision, after defaults."""

    target: float  # concurrent requests (or requests/s) wanted per pod, > 0
    max_up_rate: float = 1000.0  # pods may grow to ready * rate in one step
    max_down_rate: float = 2.0  # pods may shrink to ready / rate in one step
    panic_threshold: float = 2.0  # panic when panic-window demand / ready pods >= this
    stable_window: float = 60.0  # seconds
    reachable: bool = True  # False when no route points here: shrink without limit
    activation_scale: int = 1  # pods to start with when the first request comes


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured at `now`. Values are averages over their window, in `Spec.target` units."""

    stable: float
    panic: float
    ready: int  # pods


@dataclass(frozen=True, slots=True)
class Panic:
    """Panic mode: pods only grow. `since` is when the threshold was last exceeded."""

    since: float
    peak: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The wanted pods, and what to pass in at the next tick."""

    pods: int
    panic: Panic | None


def decide(spec: Spec, seen: Seen, panic: Panic | None, now: float) -> Decision:
    """Choose the pod count for the next tick.

    Args:
        spec: the revision's settings.
        seen: the averages measured now.
        panic: what the previous call returned; None in stable mode.
        now: seconds, monotonic.
    """
    ready = max(1, seen.ready)
    stable = _bounded(spec, seen.stable, ready)
    burst = _bounded(spec, seen.panic, ready)
    if math.ceil(seen.panic / spec.target) / ready >= spec.panic_threshold:
        panic = Panic(now, panic.peak if panic else 0)
    elif panic is not None and now - panic.since > spec.stable_window:
        panic = None
    if panic is None:
        return Decision(stable, None)
    peak = max(panic.peak, stable, burst)
    return Decision(peak, Panic(panic.since, peak))


def _bounded(spec: Spec, value: float, ready: int) -> int:
    """Pods for a demand, within what one step may change."""
    wanted = math.ceil(value / spec.target)
    most = math.ceil(spec.max_up_rate * ready)
    least = math.floor(ready / spec.max_down_rate) if spec.reachable else 0
    pods = min(max(wanted, least), most)
    return max(pods, spec.activation_scale) if wanted > 0 else pods


def excess_burst_capacity(ready: int, total: float, burst_capacity: float, panic_value: float) -> float:
    """Room for a burst beyond `burst_capacity`; negative means: keep the activator in the path.

    `total` is what one pod takes; a `burst_capacity` of -1 means always, 0 never while pods are ready.
    """
    if burst_capacity == 0:
        return 0.0
    if burst_capacity < 0:
        return -1.0
    return math.floor(ready * total - burst_capacity - panic_value)
