"""Cron schedules: which moments they name, in which time zone. Pure.

Source: robfig/cron v3 parser.go and spec.go, which Kubernetes' CronJobs and Knative's PingSources use: five
fields, or six with seconds first where the caller allows it; names of months and days; `?` is `*`; days of
the month and of the week are alternatives when both are restricted; the descriptors `@hourly` … `@yearly`;
`@every 90s`, which counts from the moment asked about.
Moments that a change to daylight-saving time skips do not come; those that it repeats come twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hauberk.base.quantities import parse_duration_s

_YEARS = 5  # a schedule that names no moment for so long names none
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = {n: i for i, n in enumerate(_MONTH_NAMES, 1)}
_DAYS = {n: i for i, n in enumerate(_DAY_NAMES)}
_EVERY = "@every "
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class BadSchedule(ValueError):
    """A schedule that does not parse; the text is upstream's."""


class BadZone(BadSchedule):
    """A time zone that is not known."""


@dataclass(frozen=True, slots=True)
class _Field:
    low: int
    high: int
    names: dict[str, int]


_SECOND = _MINUTE = _Field(0, 59, {})
_HOUR = _Field(0, 23, {})
_DOM = _Field(1, 31, {})
_MONTH = _Field(1, 12, _MONTHS)
_DOW = _Field(0, 6, _DAYS)
_FIELDS = (_SECOND, _MINUTE, _HOUR, _DOM, _MONTH, _DOW)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The moments of one schedule."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    any_day: bool  # days of the month or of the week are `*`: both must hold, else one suffices
    zone: tzinfo

    def after(self, moment: float) -> float | None:
        """The first moment after this one (seconds since the epoch); None: none in five years."""
        now = float(int(moment) + 1)
        last = now + _YEARS * 366 * 86_400
        while now <= last:
            later = self._step(now)
            if later == now:
                return now
            now = later
        return None

    def _step(self, moment: float) -> float:
        """The same moment when it is one of the schedule's, else one that skips what cannot be."""
        local = datetime.fromtimestamp(moment, self.zone)
        if local.month not in self.months:
            first = (local.replace(day=1) + timedelta(days=32)).replace(day=1)
            return _midnight(first, self.zone)
        if not self._is_day(local):
            return _midnight(local + timedelta(days=1), self.zone)
        if local.hour not in self.hours:
            return moment + 3600 - local.minute * 60 - local.second
        if local.minute not in self.minutes:
            return moment + 60 - local.second
        return moment if local.second in self.seconds else moment + 1

    def _is_day(self, local: datetime) -> bool:
        by_month, by_week = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return (by_month and by_week) if self.any_day else (by_month or by_week)


@dataclass(frozen=True, slots=True)
class Every:
    """`@every 90s`: always the same delay."""

    seconds: int

    def after(self, moment: float) -> float | None:
        """The moment, without its fraction, and the delay."""
        return float(int(moment) + self.seconds)


def _midnight(day: datetime, zone: tzinfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def parse(text: str, *, zone: str = "", seconds: bool = False) -> Schedule | Every:
    """Read a schedule. Raises BadSchedule, BadZone.

    `zone` is the time zone (empty: UTC); `CRON_TZ=ZONE` before the schedule says it, too. With `seconds`
    a sixth field may stand first.
    """
    if text.startswith(("TZ=", "CRON_TZ=")):
        said, _, text = text.partition(" ")
        zone, text = said.partition("=")[2], text.strip()
    where = zone_of(zone)
    if not text:
        raise BadSchedule("empty spec string")
    if text.startswith(_EVERY):
        return _every(text)
    if text.startswith("@"):
        if text not in _DESCRIPTORS:
            raise BadSchedule(f"unrecognized descriptor: {text}")
        text = _DESCRIPTORS[text]
    words = _words(text, seconds)
    second, minute, hour, day, month, weekday = map(_bits, words, _FIELDS)
    starred = _is_star(words[3]) or _is_star(words[5])
    return Schedule(second, minute, hour, day, month, weekday, any_day=starred, zone=where)


def _every(text: str) -> Every:
    try:
        return Every(max(1, int(parse_duration_s(text.removeprefix(_EVERY)))))
    except ValueError as error:
        raise BadSchedule(f"failed to parse duration {text}: {error}") from error


def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC when it is empty. Raises BadZone."""
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadZone(f"provided bad location {name}: unknown time zone {name}") from error


def _words(text: str, seconds: bool) -> list[str]:
    words = text.split()
    if len(words) == 5:
        return ["0", *words]
    if len(words) == 6 and seconds:
        return words
    wanted = "5 to 6" if seconds else "exactly 5"
    raise BadSchedule(f"expected {wanted} fields, found {len(words)}: [{' '.join(words)}]")


def _is_star(word: str) -> bool:
    """Whether the word lets every value pass, or every n-th: upstream's star bit."""
    return any(part.partition("/")[0] in ("*", "?") and _step_of(part) <= 1 for part in word.split(","))


def _step_of(part: str) -> int:
    step = part.partition("/")[2]
    return int(step) if step.isdigit() else 1


def _bits(word: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        if part:
            found.update(_range(part, field))
    return frozenset(found)


def _range(part: str, field: _Field) -> range:
    span, *steps = part.split("/")
    if len(steps) > 1:
        raise BadSchedule(f"too many slashes: {part}")
    ends = span.split("-")
    if len(ends) > 2:
        raise BadSchedule(f"too many hyphens: {part}")
    if ends[0] in ("*", "?"):
        low, high = field.low, field.high
    else:
        low = _number(ends[0], field)
        high = _number(ends[1], field) if len(ends) == 2 else field.high if steps else low
    step = _integer(steps[0]) if steps else 1
    _check(part, low, high, step, field)
    return range(low, high + 1, step)


def _check(part: str, low: int, high: int, step: int, field: _Field) -> None:
    if low < field.low:
        raise BadSchedule(f"beginning of range ({low}) below minimum ({field.low}): {part}")
    if high > field.high:
        raise BadSchedule(f"end of range ({high}) above maximum ({field.high}): {part}")
    if low > high:
        raise BadSchedule(f"beginning of range ({low}) beyond end of range ({high}): {part}")
    if step == 0:
        raise BadSchedule(f"step of range should be a positive number: {part}")


def _number(text: str, field: _Field) -> int:
    named = field.names.get(text.lower())
    return _integer(text) if named is None else named


def _integer(text: str) -> int:
    if text.startswith("-") and text[1:].isdigit():
        raise BadSchedule(f"negative number ({int(text)}) not allowed: {text}")
    if not (text.isascii() and text.isdigit()):
        raise BadSchedule(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
