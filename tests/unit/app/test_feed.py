"""When a feed rebuilds."""

from __future__ import annotations

import pytest

from hauberk.app.feed import APART_S, LONGEST_S, PAUSE_S, SHARE, pause_s


@pytest.mark.parametrize("since_last", [APART_S, 1.0, 3600.0])
def test_a_change_after_a_quiet_time_waits_only_for_those_that_come_with_it(since_last: float) -> None:
    assert pause_s(since_last) == PAUSE_S


@pytest.mark.parametrize("since_last", [0.0, APART_S / 2])
def test_rebuilds_of_a_stream_of_changes_begin_apart(since_last: float) -> None:
    assert since_last + pause_s(since_last) == pytest.approx(APART_S)


@pytest.mark.parametrize("took", [0.02, 0.2, 0.5])
def test_long_rebuilds_take_a_share_of_the_time(took: float) -> None:
    """Where a rebuild is long, whoever makes the changes has the rest of the time."""
    assert took + pause_s(took, took) == pytest.approx(max(APART_S, SHARE * took))


def test_a_rebuild_is_never_put_off_for_longer_than_the_limit() -> None:
    assert pause_s(1.0, 60.0) == pytest.approx(LONGEST_S - 1.0)
