"""The decisions of upstream's autoscaler, as its own tests state them.

Source: knative/serving pkg/autoscaler/scaling/autoscaler_test.go: the facts of its tables and sequences,
one row or script each. Targets are per pod; capacity is the target at 75 % utilisation. Upstream compares
the excess burst capacity within 1, and so does this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest

from hauberk.autoscaler.config import Settings
from hauberk.autoscaler.decide import Panic, Seen, Spec, decide, excess_burst_capacity
from hauberk.autoscaler.facts import Facts, Sample
from hauberk.autoscaler.windows import Highest
from hauberk.testing.clock import FakeClock

UTILISATION = 0.75
TICK_S = 2.0
MINUTE = 60.0


@dataclass
class Scaler:
    """Upstream's test scaler: one revision with a given demand and number of ready pods."""

    target: float
    burst: float
    ready: int = 1
    spec: Spec = field(init=False)
    panic: Panic | None = None
    delay_s: float = 0.0
    highest: Highest = field(default_factory=Highest)

    def __post_init__(self) -> None:
        self.spec = Spec(target=self.target, max_up_rate=10, max_down_rate=10, panic_threshold=2)

    def scale(self, stable: float, panic: float, at: float) -> tuple[int, float]:
        decision = decide(self.spec, Seen(stable, panic, self.ready), self.panic, at)
        self.panic = decision.panic
        pods = decision.pods
        if self.delay_s:
            pods = self.highest.record(pods, self.delay_s, at, reachable=self.spec.reachable)
        capacity = self.spec.target / UTILISATION
        return pods, excess_burst_capacity(self.ready, capacity, self.burst, panic)


def capacity_left(target: float, burst: float, panic: float, ready: int) -> float:
    return math.floor(target / UTILISATION * ready - burst - panic)


def close(got: float, want: float) -> bool:
    return abs(got - want) <= 1


@pytest.mark.parametrize(
    ("what", "target", "burst", "ready", "stable", "panic", "changes", "want"),
    [
        ("no demand", 10, 100, 1, 0, 0, {}, 0),
        ("unlimited burst capacity", 181, -1, 1, 21, 26, {}, 1),
        ("no burst capacity", 10, 0, 1, 50, 49, {}, 5),
        ("five pods' worth on one", 10, 100, 1, 50, 50, {}, 5),
        ("five pods' worth on five", 10, 100, 5, 50, 50, {}, 5),
        ("slow growth reaches the next pod", 1, 1982, 2, 3, 3.1, {"max_up_rate": 1.1}, 3),
        ("slow shrinking", 10, 1982, 100, 1, 1, {"max_down_rate": 1.1}, 90),
        ("no route leads here", 10, 1982, 100, 1, 1, {"max_down_rate": 1.1, "reachable": False}, 1),
        ("the panic window counts", 10, 84, 1, 50, 100, {}, 10),
        ("at most ten times as many", 10, 61, 1, 1000, 1001, {}, 10),
        ("at most ten times as many, again", 10, 61, 10, 1000, 1001, {}, 100),
        ("at most a tenth", 10, 61, 100, 1, 1, {}, 10),
        ("no pod counts as one", 10, 81, 0, 1000, 888, {}, 10),
        ("the default metric grows it", 10, 101, 1, 50, 10, {}, 5),
        ("the default metric grows it to the limit", 10, 101, 1, 100, 10, {}, 10),
        ("one request keeps one pod", 10, 75, 1, 1, 0, {}, 1),
        ("activation scale without demand", 10, 75, 1, 0, 0, {"activation_scale": 2}, 0),
        ("activation scale with demand", 10, 75, 1, 1, 0, {"activation_scale": 2}, 2),
        ("ten pods' worth on eight", 10, 98, 8, 100, 100, {}, 10),
        ("five pods' worth on eight", 10, 98, 8, 50, 50, {}, 5),
    ],
)
def test_one_decision(
    what: str,
    target: float,
    burst: float,
    ready: int,
    stable: float,
    panic: float,
    changes: dict[str, float],
    want: int,
) -> None:
    scaler = Scaler(target, burst, ready)
    scaler.spec = replace(scaler.spec, **changes)  # type: ignore[arg-type]  # names and types are Spec's
    pods, excess = scaler.scale(stable, panic, 0.0)
    left = {-1: -1.0, 0: 0.0}.get(int(burst), capacity_left(target, burst, panic, ready))
    assert (pods, close(excess, left)) == (want, True), what


@pytest.mark.parametrize(("stable", "want"), [(50, 50), (20, 30)])
def test_in_panic_the_larger_of_both_windows_counts(stable: float, want: int) -> None:
    scaler = Scaler(1, 100, ready=5, panic=Panic(since=-5, peak=5))
    pods, excess = scaler.scale(stable, 30, 0.0)
    assert pods == want
    assert close(excess, capacity_left(1, 100, 30, 5))


def test_a_slow_increase_ends_the_panic_after_a_stable_window() -> None:
    scaler = Scaler(1, 98, ready=10)
    assert scaler.scale(11, 25, 0.0)[0] == 25
    assert scaler.panic is not None
    scaler.ready = 40
    assert scaler.scale(30, 41, 30.0)[0] == 41
    assert scaler.panic is not None
    assert scaler.panic.since == 0.0, "the threshold was not crossed again"
    scaler.ready = 55
    assert scaler.scale(50, 56, MINUTE + TICK_S)[0] == 50
    assert scaler.panic is None


def test_a_surge_that_goes_on_extends_the_panic() -> None:
    scaler = Scaler(1, 98, ready=10)
    assert scaler.scale(11, 25, 0.0)[0] == 25
    scaler.ready = 40
    assert scaler.scale(30, 80, 30.0)[0] == 80
    assert scaler.panic is not None
    assert scaler.panic.since == 30.0


def test_panic_tracks_an_exponential_rise_and_stabilises() -> None:
    scaler = Scaler(1, 101)
    for at, (ready, demand, want) in enumerate(
        [(1, 6, 6), (6, 36, 36), (36, 216, 216), (216, 1296, 1296), (1296, 1296, 1296)]
    ):
        scaler.ready = ready
        pods, excess = scaler.scale(demand, demand, float(at))
        assert pods == want
        assert close(excess, capacity_left(1, 101, demand, ready))


def test_after_a_panic_the_pods_stay_for_a_stable_window_and_then_go() -> None:
    scaler = Scaler(10, 93)
    assert scaler.scale(100, 100, -1.0)[0] == 10
    scaler.ready = 10
    assert scaler.scale(100, 1000, 0.0)[0] == 100
    assert scaler.scale(1, 1, 30.0)[0] == 100
    assert scaler.scale(1, 1, 61.0)[0] == 1


def test_new_settings_count_at_the_next_decision() -> None:
    scaler = Scaler(10, 77)
    assert scaler.scale(100, 101, 0.0)[0] == 10
    scaler.ready, scaler.burst = 10, 71
    scaler.spec = replace(scaler.spec, target=1)
    pods, excess = scaler.scale(100, 101, 0.0)
    assert pods == 100
    assert close(excess, capacity_left(1, 71, 101, 10))


def delayed() -> Scaler:
    scaler = Scaler(10, 0, ready=0, delay_s=5 * MINUTE)
    scaler.spec = replace(scaler.spec, panic_threshold=100)
    return scaler


def test_a_delay_keeps_the_pods_until_it_has_passed() -> None:
    scaler = delayed()
    script = [(2.0, 40, 4), (5 * MINUTE, 0, 4), (5 * MINUTE + 2, 0, 0)]
    assert [scaler.scale(d, d, at)[0] for at, d, _ in script] == [want for _, _, want in script]


def test_a_delay_lets_go_step_by_step() -> None:
    scaler = delayed()
    script = [(9, 40, 4), (10, 30, 4), (11, 0, 4), (14, 0, 3), (15, 0, 0)]
    got = [scaler.scale(demand, demand, at * MINUTE)[0] for at, demand, _ in script]
    assert got == [want for _, _, want in script]


def test_a_revision_without_a_route_is_not_delayed() -> None:
    scaler = delayed()
    assert scaler.scale(40, 40, 2.0)[0] == 4
    assert scaler.scale(0, 0, MINUTE)[0] == 4
    scaler.spec = replace(scaler.spec, reachable=False)
    assert scaler.scale(0, 0, MINUTE + 2)[0] == 0


def test_without_a_delay_it_shrinks_at_once() -> None:
    scaler = Scaler(10, 0, ready=0)
    scaler.spec = replace(scaler.spec, panic_threshold=100, reachable=False)
    assert scaler.scale(40, 40, 0.0)[0] == 4
    assert scaler.scale(20, 20, 0.5)[0] == 2


@pytest.mark.parametrize(("ready", "panics"), [(0, False), (1, False), (2, True)])
def test_an_autoscaler_that_starts_beside_several_pods_starts_in_panic(ready: int, panics: bool) -> None:
    clock = FakeClock()
    facts = Facts(clock)
    settings = Settings(spec=Spec(target=10, max_down_rate=10, panic_threshold=220))
    wanted = facts.measure(("a", "r"), Sample(0, 0), ready, settings)
    assert wanted is not None
    assert wanted.pods == (2 if panics else 0)


@pytest.mark.parametrize(("metric", "want"), [("rps", 10), ("concurrency", 1)])
def test_the_metric_of_the_revision_counts(metric: str, want: int) -> None:
    settings = Settings(spec=Spec(target=10), metric=metric)  # type: ignore[arg-type]  # one of two
    wanted = Facts(FakeClock()).measure(("a", "r"), Sample(concurrency=1, rps=100), 1, settings)
    assert wanted is not None
    assert wanted.pods == want
