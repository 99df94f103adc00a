"""Rollouts respect their limits whatever happens, and they end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.kinds.apps.deployment import RollingUpdate, Strategy
from hauberk.workloads.deployment.rolling import Limits, Size, limits, recreate, rescale, roll

amounts = st.integers(0, 12) | st.integers(0, 100).map(lambda n: f"{n}%")
strategies = st.builds(
    lambda s, u: Strategy(type="RollingUpdate", rolling_update=RollingUpdate(max_surge=s, max_unavailable=u)),
    amounts,
    amounts,
)


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "want"),
    [
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (4, 0, "0%", (0, 1)),
        (1, "25%", 0, (1, 0)),
        (3, 1, 5, (1, 3)),
    ],
)
def test_surge_rounds_up_and_unavailable_down(
    replicas: int, surge: Any, unavailable: Any, want: tuple[int, int]
) -> None:
    rolling = RollingUpdate(max_surge=surge, max_unavailable=unavailable)
    got = limits(replicas, Strategy(type="RollingUpdate", rolling_update=rolling))
    assert (got.surge, got.unavailable) == want


def size(name: str, replicas: int, available: int) -> Size:
    return Size(name=name, replicas=replicas, available=available, pods=replicas)


@given(strategies, st.integers(0, 20), st.lists(st.integers(0, 6), max_size=3), st.data())
def test_a_rolling_update_respects_its_limits_at_every_step_and_ends(
    strategy: Strategy, replicas: int, olds: list[int], data: st.DataObject
) -> None:
    """Pods become available in any order; those of old sets are available at the start."""
    limit = limits(replicas, strategy)
    old = [size(f"old{i}", n, n) for i, n in enumerate(olds)]
    new = size("new", 0, 0)
    total = sum(olds)
    ceiling, floor = max(limit.most, total), min(limit.least, total)
    for _ in range(200):
        changes = roll(limit, new, old)
        before = sum(s.available for s in (new, *old))
        new, *old = (settle(s, changes.get(s.name, s.replicas)) for s in (new, *old))
        assert sum(s.replicas for s in (new, *old)) <= ceiling
        assert sum(s.available for s in (new, *old)) >= min(floor, before)
        ready = data.draw(st.integers(0, new.replicas - new.available)) if new.replicas > new.available else 0
        if not changes:
            ready = new.replicas - new.available
            if not ready:
                break
        new = replace(new, available=new.available + ready)
    assert new.replicas == new.available == replicas
    assert not any(s.replicas for s in old)


def settle(s: Size, replicas: int) -> Size:
    """The set after its pods followed: those that are not available go first, as ReplicaSets choose them."""
    return replace(s, replicas=replicas, available=min(s.available, replicas), pods=replicas)


@given(st.integers(0, 30), st.integers(0, 5), st.lists(st.integers(0, 9), min_size=1, max_size=4))
def test_rescaling_in_a_rollout_gives_the_new_total(replicas: int, surge: int, had: list[int]) -> None:
    limit = Limits(replicas=replicas, surge=surge, unavailable=0)
    sets = [size(f"s{i}", n, n // 2) for i, n in enumerate(had)]
    changes = rescale(limit, sets, sets[-1])
    after = [changes.get(s.name, s.replicas) for s in sets]
    assert all(n >= 0 for n in after)
    if sum(n > 0 for n in had) > 1 and not (had[-1] == replicas == had[-1] // 2):
        assert sum(after) == (limit.most if replicas else 0)
    elif sum(n > 0 for n in had) == 1:
        assert sum(after) == replicas


def test_recreate_waits_until_the_last_old_pod_is_gone() -> None:
    limit = Limits(replicas=2, surge=0, unavailable=0)
    new, ending = size("new", 0, 0), Size(name="old", replicas=0, available=0, pods=1)
    assert recreate(limit, new, [size("old", 2, 2)]) == {"old": 0}
    assert recreate(limit, new, [ending]) == {}
    assert recreate(limit, new, [replace(ending, pods=0)]) == {"new": 2}


def test_pods_that_never_worked_go_before_the_others() -> None:
    limit = Limits(replicas=10, surge=2, unavailable=2)
    changes = roll(limit, size("new", 4, 4), [size("broken", 3, 0), size("good", 5, 5)])
    assert changes == {"broken": 0, "good": 4}
