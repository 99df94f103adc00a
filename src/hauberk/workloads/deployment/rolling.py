"""How many pods each ReplicaSet of a Deployment shall have now. Pure arithmetic.

Source: kubernetes pkg/controller/deployment/rolling.go, recreate.go, sync.go (scale);
util/deployment_util.go (ResolveFenceposts, NewRSNewReplicas, GetReplicaSetProportion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from hauberk.kinds.apps.deployment import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The sizes of one ReplicaSet that matter here."""

    name: str
    replicas: int
    available: int
    pods: int  # there are, ending ones too


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a rollout must respect."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        """All sets together want at most so many."""
        return self.replicas + self.surge

    @property
    def least(self) -> int:
        """So many must stay available."""
        return self.replicas - self.unavailable


def limits(replicas: int, strategy: Strategy) -> Limits:
    """Percentages as numbers: surge rounds up, unavailable down; both 0 means one may be unavailable."""
    if strategy.type == "Recreate":
        return Limits(replicas=replicas, surge=0, unavailable=0)
    rolling = strategy.rolling_update
    surge = _amount(rolling.max_surge if rolling else None, replicas, up=True)
    unavailable = _amount(rolling.max_unavailable if rolling else None, replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Limits(replicas=replicas, surge=surge, unavailable=min(unavailable, replicas))


def _amount(value: int | str | None, total: int, *, up: bool) -> int:
    if value is None:
        value = "25%"
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * total / 100
    return ceil(share) if up else floor(share)


def roll(limit: Limits, new: Size, old: Sequence[Size]) -> Mapping[str, int]:
    """One step of a rolling update: grow the new set, else shrink the old ones. `old` is by age."""
    grown = _grow(limit, new, old)
    if grown != new.replicas:
        return {new.name: grown}
    return _shrink(limit, new, old)


def _grow(limit: Limits, new: Size, old: Sequence[Size]) -> int:
    if new.replicas >= limit.replicas:
        return limit.replicas
    total = new.replicas + sum(o.replicas for o in old)
    room = max(0, limit.most - total)
    return min(new.replicas + room, limit.replicas)


def _shrink(limit: Limits, new: Size, old: Sequence[Size]) -> Mapping[str, int]:
    """First what does not work anyway, then what the availability allows."""
    left = {o.name: o.replicas for o in old}
    if not any(left.values()):
        return {}
    new_unavailable = max(0, new.replicas - new.available)
    room = new.replicas + sum(left.values()) - limit.least - new_unavailable
    for o in old:
        broken = min(max(0, o.replicas - o.available), max(0, room))
        left[o.name] -= broken
        room -= broken
    spare = new.available + sum(min(o.available, left[o.name]) for o in old) - limit.least
    for o in old:
        down = min(left[o.name], max(0, spare))
        left[o.name] -= down
        spare -= down
    return {o.name: left[o.name] for o in old if left[o.name] != o.replicas}


def recreate(limit: Limits, new: Size, old: Sequence[Size]) -> Mapping[str, int]:
    """All old pods go, then the new ones come."""
    down = {o.name: 0 for o in old if o.replicas}
    if down or any(o.pods for o in old):
        return down
    return {new.name: limit.replicas} if new.replicas != limit.replicas else {}


def rescale(limit: Limits, sets: Sequence[Size], newest: Size | None) -> Mapping[str, int]:
    """A new number of pods in the middle of a rollout, or while it is paused: each set in proportion.

    Largest sets first; what rounding leaves goes to the first of them.
    """
    active = [s for s in sets if s.replicas]
    if len(active) <= 1:
        only = active[0] if active else newest
        return {} if only is None or only.replicas == limit.replicas else {only.name: limit.replicas}
    if newest is not None and newest.replicas == limit.replicas == newest.available:
        return {s.name: 0 for s in active if s.name != newest.name}
    total = sum(s.replicas for s in active)
    wanted = limit.most if limit.replicas else 0
    delta = wanted - total
    left = delta
    out: dict[str, int] = {}
    for s in sorted(active, key=lambda s: -s.replicas):
        share = round(s.replicas * wanted / total) - s.replicas
        share = min(share, left) if delta > 0 else max(share, left)
        out[s.name] = s.replicas + share
        left -= share
    first = max(active, key=lambda s: s.replicas).name
    out[first] = max(0, out[first] + left)
    return {s.name: out[s.name] for s in active if out[s.name] != s.replicas}
