"""From what pods use to a pod count, as Kubernetes' controller decides. Pure.

Source: kubernetes pkg/controller/podautoscaler/{horizontal,replica_calculator}.go.
`spec.behavior` is in `behavior`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

TOLERANCE = 0.1
STABLE_S = 300.0  # how long a higher recommendation holds a lower one back
GROWTH_PODS, GROWTH_RATIO = 4, 2.0  # one step may add so many pods, or reach so many times as many
CPU_START_S = 300.0  # what a pod uses of the CPU in its first minutes counts only once it is ready


@dataclass(frozen=True, slots=True)
class Row:
    """One pod: its use in percent of its request, or in the metric's unit; None when it is not known."""

    used: float | None
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Wish:
    """What one metric asks for, and the mean use it was made from."""

    pods: int
    mean: float


def wish(rows: Sequence[Row], target: float, current: int, *, percent: bool) -> Wish | None:
    """The pods that one metric asks for; None when no ready pod was measured.

    | pods                | count in a decision to grow as | to shrink as               |
    |---------------------|--------------------------------|----------------------------|
    | ready and measured  | what they use                  | what they use              |
    | not ready           | using nothing                  | (left out)                 |
    | not measured        | using nothing                  | using the target, or 100 % |
    """
    known = [row.used for row in rows if row.ready and row.used is not None]
    if not known:
        return None
    unready = sum(1 for row in rows if not row.ready)
    missing = sum(1 for row in rows if row.ready and row.used is None)
    mean = sum(known) / len(known)
    ratio = mean / target
    if not missing and not (unready and ratio > 1):
        pods = current if is_near(ratio) else math.ceil(ratio * len(known))
        return Wish(pods, mean)
    filled = list(known)
    if ratio < 1:
        filled += [max(100.0, target) if percent else target] * missing
    elif ratio > 1:
        filled += [0.0] * (missing + unready)
    again = sum(filled) / len(filled) / target
    turned = (ratio < 1 < again) or (again < 1 < ratio)
    pods = math.ceil(again * len(filled))
    backwards = (again < 1 and pods > current) or (again > 1 and pods < current)
    return Wish(current if is_near(again) or turned or backwards else pods, mean)


def is_near(ratio: float) -> bool:
    """Whether the use is so close to the target that nothing is changed."""
    return abs(1.0 - ratio) <= TOLERANCE


Limit = Literal["", "TooManyReplicas", "TooFewReplicas", "ScaleUpLimit", "ScaleDownLimit"]


@dataclass(frozen=True, slots=True)
class Decision:
    """The pods to have, whether a recent recommendation held them back, and what limited them."""

    pods: int
    stabilized: bool = False
    limit: Limit = ""


def decide(wishes: Iterable[int], current: int, least: int, most: int, recent: Iterable[int]) -> Decision:
    """The pods to have. `recent` are the recommendations of the last `STABLE_S` seconds."""
    wanted = max(wishes)
    held = max((wanted, *recent))
    stable = min(held, current) if held > wanted and wanted < current else wanted
    grown = max(math.ceil(GROWTH_RATIO * current), current + GROWTH_PODS)
    if stable > min(grown, most):
        limit: Limit = "ScaleUpLimit" if grown < most else "TooManyReplicas"
        return Decision(min(grown, most), stable != wanted, limit)
    if stable < least:
        return Decision(least, stable != wanted, "TooFewReplicas")
    return Decision(stable, stable != wanted)
