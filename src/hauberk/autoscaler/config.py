"""config-autoscaler and the `autoscaling.knative.dev/*` annotations, as the settings of one revision.

Source: knative/serving pkg/autoscaler/config/config.go, pkg/apis/autoscaling/register.go,
pkg/reconciler/autoscaling/resources/{target,metric}.go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hauberk.autoscaler.decide import Spec
from hauberk.base.quantities import parse_duration_s

NAME = "config-autoscaler"
PREFIX = "autoscaling.knative.dev/"
TARGET_MIN = 0.01
MIN_ACTIVATORS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The cluster's settings. Times in seconds, fractions of 1."""

    enable_scale_to_zero: bool = True
    allow_zero_initial_scale: bool = False
    concurrency_fraction: float = 0.7
    concurrency_target: float = 100.0
    rps_target: float = 200.0
    target_fraction: float = 0.7
    max_up_rate: float = 1000.0
    max_down_rate: float = 2.0
    burst_capacity: float = 211.0  # -1: unlimited
    panic_window_ratio: float = 0.1
    panic_threshold_ratio: float = 2.0
    activator_capacity: float = 100.0
    stable_window_s: float = 60.0
    grace_s: float = 30.0
    retention_s: float = 0.0
    down_delay_s: float = 0.0
    initial_scale: int = 1
    min_scale: int = 0
    max_scale: int = 0  # 0: no limit
    max_scale_limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One revision's settings after its annotations."""

    spec: Spec
    metric: Literal["concurrency", "rps"] = "concurrency"
    total: float = 100.0  # what one pod can take, in the metric's unit
    burst_capacity: float = 211.0
    activator_capacity: float = 100.0
    panic_window_s: float = 6.0
    min_scale: int = 0
    max_scale: int = 0
    initial_scale: int = 1
    retention_s: float = 0.0
    grace_s: float = 30.0
    down_delay_s: float = 0.0
    scale_to_zero: bool = True


def parse_config(data: Mapping[str, str]) -> Config:
    """Read config-autoscaler's data; unreadable values count as absent."""
    c = Config()
    return Config(
        enable_scale_to_zero=_bool(data.get("enable-scale-to-zero"), c.enable_scale_to_zero),
        allow_zero_initial_scale=_bool(data.get("allow-zero-initial-scale"), c.allow_zero_initial_scale),
        concurrency_fraction=_fraction(
            _number(data.get("container-concurrency-target-percentage"), c.concurrency_fraction)
        ),
        concurrency_target=_number(data.get("container-concurrency-target-default"), c.concurrency_target),
        rps_target=_number(data.get("requests-per-second-target-default"), c.rps_target),
        max_up_rate=_number(data.get("max-scale-up-rate"), c.max_up_rate),
        max_down_rate=_number(data.get("max-scale-down-rate"), c.max_down_rate),
        burst_capacity=_number(data.get("target-burst-capacity"), c.burst_capacity),
        panic_window_ratio=_number(data.get("panic-window-percentage"), 10.0) / 100,
        panic_threshold_ratio=_number(data.get("panic-threshold-percentage"), 200.0) / 100,
        activator_capacity=_number(data.get("activator-capacity"), c.activator_capacity),
        stable_window_s=_duration(data.get("stable-window"), c.stable_window_s),
        grace_s=_duration(data.get("scale-to-zero-grace-period"), c.grace_s),
        retention_s=_duration(data.get("scale-to-zero-pod-retention-period"), c.retention_s),
        down_delay_s=_duration(data.get("scale-down-delay"), c.down_delay_s),
        initial_scale=_whole(data.get("initial-scale"), c.initial_scale),
        min_scale=_whole(data.get("min-scale"), c.min_scale),
        max_scale=_whole(data.get("max-scale"), c.max_scale),
        max_scale_limit=_whole(data.get("max-scale-limit"), c.max_scale_limit),
    )


def settings_of(
    annotations: Mapping[str, str], concurrency: int, *, reachable: bool, config: Config
) -> Settings:
    """The settings of a revision. `concurrency` is its containerConcurrency, 0 without limit."""
    notes = {k.removeprefix(PREFIX): v for k, v in annotations.items() if k.startswith(PREFIX)}
    by_rps = notes.get("metric") == "rps"
    total, fraction = _target(notes, concurrency, by_rps, config)
    stable_s = _duration(notes.get("window"), config.stable_window_s)
    ratio = _number(notes.get("panic-window-percentage"), config.panic_window_ratio * 100) / 100
    threshold = _number(notes.get("panic-threshold-percentage"), config.panic_threshold_ratio * 100) / 100
    initial = _whole(notes.get("initial-scale"), config.initial_scale)
    if initial == 0 and not config.allow_zero_initial_scale:
        initial = max(1, config.initial_scale)
    return Settings(
        spec=Spec(
            target=max(TARGET_MIN, total * fraction),
            max_up_rate=config.max_up_rate,
            max_down_rate=config.max_down_rate,
            panic_threshold=threshold,
            stable_window=stable_s,
            reachable=reachable,
            activation_scale=_whole(notes.get("activation-scale"), 1),
        ),
        metric="rps" if by_rps else "concurrency",
        total=total,
        burst_capacity=_number(notes.get("target-burst-capacity"), config.burst_capacity),
        activator_capacity=config.activator_capacity,
        panic_window_s=max(1.0, round(stable_s * ratio)),
        min_scale=_whole(notes.get("min-scale"), config.min_scale) if reachable else 0,
        max_scale=_whole(notes.get("max-scale"), config.max_scale),
        initial_scale=initial,
        retention_s=_duration(notes.get("scale-to-zero-pod-retention-period"), config.retention_s),
        grace_s=config.grace_s,
        down_delay_s=_duration(notes.get("scale-down-delay"), config.down_delay_s),
        scale_to_zero=config.enable_scale_to_zero,
    )


def _target(notes: Mapping[str, str], concurrency: int, by_rps: bool, config: Config) -> tuple[float, float]:
    """(what one pod takes at most, the share of it to aim at).

    Source: pkg/reconciler/autoscaling/resources/target.go, ResolveMetricTarget.
    """
    if by_rps:
        total, fraction = config.rps_target, config.target_fraction
    else:
        total, fraction = float(concurrency) or config.concurrency_target, config.concurrency_fraction
    own = _number(notes.get("target"), 0.0)
    if own > 0:
        total = min(own, float(concurrency)) if concurrency and not by_rps else own
    percent = _number(notes.get("target-utilization-percentage"), fraction * 100)
    return total, percent / 100


def num_activators(settings: Settings, ready: int) -> int:
    """How many activators carry the revision.

    Source: knative/serving pkg/reconciler/autoscaling/kpa/kpa.go, computeNumActivators.
    """
    cover = ready * settings.total + max(0.0, settings.burst_capacity)
    return max(MIN_ACTIVATORS, math.ceil(cover / settings.activator_capacity))


def _fraction(value: float) -> float:
    return value / 100 if value > 1 else value


def _number(text: str | None, default: float) -> float:
    try:
        return default if text is None else float(text)
    except ValueError:
        return default


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default


def _bool(text: str | None, default: bool) -> bool:
    return default if text is None else text.strip().lower() in ("true", "1", "t")


def _duration(text: str | None, default: float) -> float:
    try:
        return default if text is None else parse_duration_s(text)
    except ValueError:
        return default
