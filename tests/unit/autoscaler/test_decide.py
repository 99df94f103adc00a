from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.autoscaler.decide import Panic, Seen, Spec, decide, excess_burst_capacity

loads = st.floats(0, 1e5)
pods = st.integers(0, 500)
panics = st.none() | st.builds(Panic, since=st.floats(0, 100), peak=st.integers(1, 500))


def test_slow_growth_rate_still_reaches_the_next_pod() -> None:
    """Upstream's example: rate 1.1 on 2 pods must allow a third."""
    spec = Spec(target=1, max_up_rate=1.1, panic_threshold=10)
    assert decide(spec, Seen(stable=3, panic=3, ready=2), None, now=0).pods == 3


def test_panic_ends_one_stable_window_after_the_last_burst() -> None:
    spec = Spec(target=1, stable_window=60)
    quiet = Seen(stable=1, panic=1, ready=10)
    panic = Panic(since=0, peak=10)
    assert decide(spec, quiet, panic, now=60).pods == 10
    assert decide(spec, quiet, panic, now=60.1).panic is None


def test_a_revision_shrinks_by_at_most_half_unless_no_route_leads_to_it() -> None:
    quiet = Seen(stable=0, panic=0, ready=10)
    assert decide(Spec(target=1), quiet, None, now=0).pods == 5
    assert decide(Spec(target=1, reachable=False), quiet, None, now=0).pods == 0


def test_the_last_pod_may_go() -> None:
    assert decide(Spec(target=70), Seen(stable=0, panic=0, ready=1), None, now=0).pods == 0


def test_activation_scale_counts_only_with_demand() -> None:
    spec = Spec(target=10, activation_scale=4)
    assert decide(spec, Seen(stable=1, panic=1, ready=0), None, now=0).pods == 4
    assert decide(spec, Seen(stable=0, panic=0, ready=0), None, now=0).pods == 0


@given(loads, loads, pods, panics, st.floats(0, 200))
def test_never_shrinks_while_panicking(
    stable: float, burst: float, ready: int, panic: Panic | None, now: float
) -> None:
    got = decide(Spec(target=10), Seen(stable, burst, ready), panic, now)
    if panic and got.panic:
        assert got.pods >= panic.peak


@given(loads, loads, pods, panics, st.floats(0, 200))
def test_growth_is_bounded(stable: float, burst: float, ready: int, panic: Panic | None, now: float) -> None:
    spec = Spec(target=10, max_up_rate=2)
    got = decide(spec, Seen(stable, burst, ready), panic, now)
    assert got.pods <= max(2 * max(1, ready), panic.peak if panic else 0)


@pytest.mark.parametrize(
    ("ready", "capacity", "panic", "want"),
    [
        (1, 0, 50, 0),  # never in the path while pods are ready
        (1, -1, 0, -1),  # always in the path
        (1, 211, 0, -111),
        (3, 211, 0, 89),
        (3, 211, 90, -1),
    ],
)
def test_excess_burst_capacity(ready: int, capacity: float, panic: float, want: float) -> None:
    assert excess_burst_capacity(ready, 100, capacity, panic) == want
