from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hauberk.autoscaler.windows import Held, Highest, Series


def filled(*values: float, start: int = 100) -> Series:
    series = Series()
    for i, value in enumerate(values):
        series.record(value, start + i)
    return series


def test_no_data_is_not_zero() -> None:
    assert Series().average(60, 100) is None
    assert filled(1.0).average(6, 200) is None


def test_a_young_series_is_averaged_over_its_age() -> None:
    assert filled(2.0, 4.0).average(60, 101) == 3.0


def test_only_the_window_counts() -> None:
    assert filled(100.0, *[1.0] * 6).average(6, 106) == 1.0


def test_a_missing_second_counts_as_zero_but_the_present_one_does_not() -> None:
    series = filled(6.0, 6.0)
    assert series.average(60, 102) == 6.0
    assert series.average(60, 103) == 4.0


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=80))
def test_an_average_lies_between_the_extremes(values: list[float]) -> None:
    got = filled(*values).average(60, 100 + len(values) - 1)
    assert got is not None
    assert min(values) - 1e-6 <= got <= max(values) + 1e-6


def test_scale_down_waits_for_its_delay() -> None:
    highest = Highest()
    assert [highest.record(n, 30, t) for n, t in ((5, 0), (1, 10), (1, 29), (1, 31))] == [5, 5, 5, 1]


def test_held_requests_count_by_their_time_and_at_once() -> None:
    held = Held(asked=0.0)
    held.change(4, 0.0)
    held.change(-4, 0.5)
    assert held.take_mean(1.0) == 2.0
    held.change(1, 1.0)
    assert held.take_mean(1.001) == 1.0
