"""RFC 3339 times as the API writes them, and ages as kubectl prints them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3600, 86400
_YEAR = 365 * _DAY


def rfc3339(now: float) -> str:
    """Seconds since the epoch → `2026-11-23T10:19:00Z`."""
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(now: float) -> str:
    """Seconds since the epoch → `2026-11-23T10:19:00.000000Z` (MicroTime)."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def epoch(text: str) -> float:
    """RFC 3339 → seconds since the epoch. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def age(seconds: float) -> str:
    """`90` → `90s`, `3700` → `61m`, as kubectl shortens durations.

    Source: apimachinery pkg/util/duration/duration.go, HumanDuration.
    """
    s = int(seconds)
    if s < -1:
        return "<invalid>"
    if s < 0:
        return "0s"
    for limit, shown in _STEPS:
        if s < limit:
            return shown(s)
    return f"{s // _YEAR}y"


def _two(s: int, big: int, small: int, names: str) -> str:
    rest = s % big // small
    return f"{s // big}{names[0]}" + (f"{rest}{names[1]}" if rest else "")


_STEPS: tuple[tuple[int, Callable[[int], str]], ...] = (
    (2 * _MINUTE, lambda s: f"{s}s"),
    (10 * _MINUTE, lambda s: _two(s, _MINUTE, _SECOND, "ms")),
    (3 * _HOUR, lambda s: f"{s // _MINUTE}m"),
    (8 * _HOUR, lambda s: _two(s, _HOUR, _MINUTE, "hm")),
    (2 * _DAY, lambda s: f"{s // _HOUR}h"),
    (8 * _DAY, lambda s: _two(s, _DAY, _HOUR, "dh")),
    (2 * _YEAR, lambda s: f"{s // _DAY}d"),
    (8 * _YEAR, lambda s: _two(s, _YEAR, _DAY, "yd")),
)
