"""config-gc: which old revisions are deleted.

Source: knative/serving pkg/gc/config.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.base.quantities import parse_duration_s

NAME = "config-gc"
_OFF = "disabled"


@dataclass(frozen=True, slots=True)
class Retention:
    """Ages in seconds; None switches the rule off."""

    since_create_s: float | None = 48 * 3600.0
    since_last_active_s: float | None = 15 * 3600.0
    min_non_active: int = 20
    max_non_active: int | None = 1000


def parse_retention(data: Mapping[str, str]) -> Retention:
    """Read config-gc's data."""
    standard = Retention()
    most = data.get("max-non-active-revisions")
    return Retention(
        since_create_s=_age(data, "retain-since-create-time", standard.since_create_s),
        since_last_active_s=_age(data, "retain-since-last-active-time", standard.since_last_active_s),
        min_non_active=_count(data.get("min-non-active-revisions"), standard.min_non_active) or 0,
        max_non_active=None if most == _OFF else _count(most, standard.max_non_active),
    )


def _age(data: Mapping[str, str], key: str, default: float | None) -> float | None:
    text = data.get(key)
    if text is None:
        return default
    try:
        return None if text == _OFF else parse_duration_s(text)
    except ValueError:
        return default


def _count(text: str | None, default: int | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else default
