"""Results kept between builds, so that a change costs only what depends on it.

A key is the *identity* of the objects that a result was made from: stored objects are never
mutated, so an unchanged object is the same object. A kept result keeps its sources alive, so an
identity is never reused while it is a key. What `get` and `same` return equals what `make` would return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_ROOM = 50_000


class Memo:
    """A bounded table: the older half is dropped when it is full."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._young: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}
        self._old: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}

    def get(self, make: Callable[..., T], *sources: Any) -> T:
        """`make(*sources)`, once per identity of the sources (strings and numbers count by value)."""
        key = (make, *(s if isinstance(s, str | int) else id(s) for s in sources))
        kept = self._young.get(key)
        if kept is None:
            kept = self._old.get(key) or (sources, make(*sources))
            self._put(key, kept)
        result: T = kept[1]
        return result

    def same(self, name: tuple[Any, ...], value: T) -> T:
        """The value last seen under this name when it is equal, so that its identity stays."""
        key = ("same", *name)
        kept = self._young.get(key) or self._old.get(key)
        if kept is not None and kept[1] == value:
            value = kept[1]
        self._put(key, ((), value))
        return value

    def last(self, name: tuple[Any, ...], value: tuple[T, ...]) -> tuple[T, ...]:
        """The value, or the last one under this name that was not empty."""
        key = ("last", *name)
        kept = self._young.get(key) or self._old.get(key)
        if not value and kept is not None:
            value = kept[1]
        if value:
            self._put(key, ((), value))
        return value

    def _put(self, key: tuple[Any, ...], kept: tuple[tuple[Any, ...], Any]) -> None:
        if len(self._young) >= self._room:
            self._old, self._young = self._young, {}
        self._young[key] = kept
