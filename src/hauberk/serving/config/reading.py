"""Reads ConfigMaps of knative-serving.

A value that cannot be read counts as absent; the ConfigMap's admission tells the user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hauberk.base.quantities import parse_duration_s
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.ports import Snapshot

SYSTEM = "knative-serving"


def data_of(snapshot: Snapshot, name: str) -> Mapping[str, str]:
    """The data of one ConfigMap of knative-serving; empty when there is none."""
    found = snapshot.get(Ref("ConfigMap", SYSTEM, name)) or {}
    data: Mapping[str, str] = found.get("data") or {}
    return data


def wakes_all(kind: str, *names: str) -> Callable[[Json, Snapshot], Iterator[Ref]]:
    """A `Wakes` for ConfigMaps: every object of `kind`, when one of these ConfigMaps of Serving changes."""

    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        meta = changed["metadata"]
        if meta.get("namespace") == SYSTEM and meta["name"] in names:
            yield from map(ref_of, snapshot.list(kind))

    return wake


def as_int(data: Mapping[str, str], key: str, default: int) -> int:
    """A whole number."""
    try:
        return int(data.get(key, default))
    except ValueError:
        return default


def as_float(data: Mapping[str, str], key: str, default: float) -> float:
    """A number."""
    try:
        return float(data.get(key, default))
    except ValueError:
        return default


def as_bool(data: Mapping[str, str], key: str, default: bool) -> bool:
    """`true` in any case is true; upstream parses with strconv or EqualFold."""
    text = data.get(key)
    return default if text is None else text.strip().lower() in ("true", "1", "t", "enabled")


def as_duration_s(data: Mapping[str, str], key: str, default: float) -> float:
    """A Go duration, in seconds."""
    text = data.get(key)
    try:
        return default if text is None else parse_duration_s(text)
    except ValueError:
        return default
