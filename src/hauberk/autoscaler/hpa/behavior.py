"""`spec.behavior` of a HorizontalPodAutoscaler: how fast it may grow and shrink. Pure.

Source: kubernetes pkg/controller/podautoscaler/horizontal.go (stabilizeRecommendationWithBehaviors,
convertDesiredReplicasWithBehaviorRate, calculateScale{Up,Down}LimitWithScalingRules);
pkg/apis/autoscaling/v2/defaults.go (GenerateHPAScale{Up,Down}Rules).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hauberk.autoscaler.hpa.decide import STABLE_S, Decision
from hauberk.base.refs import Json

Select = Literal["Max", "Min", "Disabled"]
KEPT_S = 3600.0  # the longest window and the longest period but a few that the API allows


@dataclass(frozen=True, slots=True)
class Policy:
    """So many pods, or percent of the pods, within a period."""

    percent: bool
    value: int
    period_s: float


@dataclass(frozen=True, slots=True)
class Rules:
    """One direction."""

    window_s: float
    select: Select
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Behavior:
    """Both directions."""

    up: Rules
    down: Rules


Events = Sequence[tuple[float, int]]
"""Changes of the size: when, and by how many pods (negative: fewer); or recommendations."""

_UP = Rules(0.0, "Max", (Policy(True, 100, 15.0), Policy(False, 4, 15.0)))
_DOWN = Rules(STABLE_S, "Max", (Policy(True, 100, 15.0),))


def behavior_of(hpa: Json) -> Behavior | None:
    """What the spec says, with defaults; None when it says nothing."""
    said = (hpa.get("spec") or {}).get("behavior")
    if not said:
        return None
    return Behavior(_rules(said.get("scaleUp"), _UP), _rules(said.get("scaleDown"), _DOWN))


def _rules(said: Json | None, default: Rules) -> Rules:
    if not said:
        return default
    window, rows = said.get("stabilizationWindowSeconds"), said.get("policies")
    policies = tuple(
        Policy(r.get("type") == "Percent", int(r.get("value", 0)), float(r.get("periodSeconds", 15)))
        for r in rows or ()
    )
    return Rules(
        default.window_s if window is None else float(window),
        said.get("selectPolicy") or default.select,
        policies or default.policies,
    )


def decide(
    rules: Behavior,
    wanted: int,
    current: int,
    bounds: tuple[int, int],
    recent: Events,
    changes: Events,
    now: float,
) -> Decision:
    """The pods to have. `recent` are earlier recommendations, `changes` earlier changes of the size."""
    stable = _stabilized(rules, wanted, current, recent, now)
    least, most = bounds
    if stable > current:
        limit = max(current, _limit(rules.up, current, changes, now, up=True))
        top = min(limit, most)
        if stable > top:
            return Decision(top, stable != wanted, "ScaleUpLimit" if limit < most else "TooManyReplicas")
    elif stable < current:
        limit = min(current, _limit(rules.down, current, changes, now, up=False))
        bottom = max(limit, least)
        if stable < bottom:
            return Decision(bottom, stable != wanted, "ScaleDownLimit" if limit > least else "TooFewReplicas")
    if not least <= stable <= most:
        return Decision(min(max(stable, least), most), stable != wanted,
                        "TooFewReplicas" if stable < least else "TooManyReplicas")  # fmt: skip
    return Decision(stable, stable != wanted)


def _stabilized(rules: Behavior, wanted: int, current: int, recent: Events, now: float) -> int:
    """Not more than the least of the last while, not less than the most of it."""
    up = min([wanted, *(n for at, n in recent if now - at < rules.up.window_s)])
    down = max([wanted, *(n for at, n in recent if now - at < rules.down.window_s)])
    return min(max(current, up), down)


def _limit(rules: Rules, current: int, changes: Events, now: float, *, up: bool) -> int:
    if rules.select == "Disabled":
        return current
    found = [_reach(p, current, changes, now, up=up) for p in rules.policies]
    farthest = rules.select != "Min"
    return max(found) if farthest == up else min(found)


def _reach(policy: Policy, current: int, changes: Events, now: float, *, up: bool) -> int:
    """How far one policy lets it go, from the size at the beginning of its period."""
    begin = current - sum(by for at, by in changes if now - at < policy.period_s)
    by = begin * policy.value / 100 if policy.percent else policy.value
    return math.ceil(begin + by) if up else math.floor(begin - by)


def kept(rows: Iterable[tuple[float, int]], now: float) -> list[tuple[float, int]]:
    """Rows that a window or period may still reach."""
    return [(at, n) for at, n in rows if now - at < KEPT_S]
