"""Which moments a cron schedule names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.base.cron import BadSchedule, BadZone, parse


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(moment: float | None) -> str:
    return "never" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("schedule", "after", "then"),
    [
        ("* * * * *", "2026-11-24 10:00:00", "2026-11-24 10:01:00"),
        ("*/15 * * * *", "2026-11-24 10:31:07", "2026-11-24 10:45:00"),
        ("5/20 * * * *", "2026-11-24 10:26:00", "2026-11-24 10:45:00"),
        ("0 0 1 1 *", "2026-11-24 10:00:00", "2027-01-01 00:00:00"),
        ("@hourly", "2026-11-24 10:00:00", "2026-11-24 11:00:00"),
        ("@weekly", "2026-11-24 10:00:00", "2026-11-29 00:00:00"),
        ("0 9 * * mon-fri", "2026-11-27 09:00:00", "2026-11-30 09:00:00"),
        ("0 9 13 * FRI", "2026-11-24 10:00:00", "2026-11-27 09:00:00"),
        ("0 9 */2 * FRI", "2026-11-24 10:00:00", "2026-11-25 09:00:00"),
        ("0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-29 00:00:00"),
        ("0 0 31 feb ?", "2026-03-01 00:00:00", "never"),
        ("*/10 * * * * *", "2026-11-24 10:00:01", "2026-11-24 10:00:10"),
    ],
)
def test_the_next_moment_of_a_schedule(schedule: str, after: str, then: str) -> None:
    assert shown(parse(schedule, seconds=True).after(at(after))) == then


def test_a_time_zone_shifts_the_moments_and_a_prefix_says_it_too() -> None:
    after = at("2026-11-24 10:00:00")
    named = parse("0 9 * * *", zone="America/New_York").after(after)
    assert shown(named) == "2026-11-24 14:00:00"
    assert parse("CRON_TZ=America/New_York 0 9 * * *").after(after) == named


def test_moments_that_summer_time_skips_do_not_come_and_repeated_ones_come_twice() -> None:
    skipped = parse("30 2 * * *", zone="Europe/Berlin")
    assert shown(skipped.after(at("2026-03-28 12:00:00"))) == "2026-03-30 00:30:00"
    repeated = parse("30 2 * * *", zone="Europe/Berlin")
    first = repeated.after(at("2026-10-24 12:00:00"))
    assert first is not None
    assert (shown(first), shown(repeated.after(first))) == ("2026-10-25 00:30:00", "2026-10-25 01:30:00")


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("", "empty spec string"),
        ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
        ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("9-3 * * * *", "beginning of range (9) beyond end of range (3): 9-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@every 5x", "failed to parse duration @every 5x: not a duration: '5x'"),
        ("@fortnightly", "unrecognized descriptor: @fortnightly"),
    ],
)
def test_a_schedule_that_does_not_parse_says_why_in_upstreams_words(schedule: str, text: str) -> None:
    with pytest.raises(BadSchedule) as caught:
        parse(schedule)
    assert str(caught.value) == text


def test_an_unknown_zone_is_told_apart() -> None:
    with pytest.raises(BadZone, match="provided bad location Mars/Base"):
        parse("* * * * *", zone="Mars/Base")


@given(st.integers(0, 2**32), st.sampled_from(["* * * * *", "*/7 3-5 * * *", "0 12 1,15 * 2", "@daily"]))
def test_the_next_moment_is_later_and_a_moment_of_the_schedule(moment: int, text: str) -> None:
    schedule = parse(text, zone="Asia/Kathmandu")
    then = schedule.after(moment)
    assert then is not None
    assert then > moment
    assert schedule.after(then - 1) == then
