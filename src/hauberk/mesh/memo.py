"""Results kept between builds, so that a change costs only what depends on it.

A key is the *identity* of the objects that a result was made from: stored objects are never
mutated, so an unchanged object is the same object. A kept result keeps its sources alive, so an
identity is never reused while it is a key. What `get` and `same` return equals what `make` would return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

T = TypeVar("T")
_ROOM = 50_000
_TURNS = 8  # builds after which a result that none of them used may go
_every: WeakSet[Memo] = WeakSet()


def turn() -> None:
    """Say that another build begins: results that a number of builds did not use are dropped."""
    for memo in _every:
        memo.turn()


class Memo:
    """A bounded table: the older half is dropped when it is full, and after some builds."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._turns = 0
        _every.add(self)
        self._young: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}
        self._old: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}

    def turn(self) -> None:
        """Another build begins."""
        self._turns += 1
        if self._turns % _TURNS == 0:
            self._old, self._young = self._young, {}

    def get(self, make: Callable[..., T], *sources: Any) -> T:
        """`make(*sources)`, once per identity of the sources (strings and numbers count by value)."""
        key = (make, *(s if isinstance(s, str | int) else id(s) for s in sources))
        kept = self._young.get(key)
        if kept is None:
            kept = self._old.get(key) or (sources, make(*sources))
            self._put(key, kept)
        result: T = kept[1]
        return result

    def keep(self, name: tuple[Any, ...], make: Callable[[], T], *sources: Any) -> T:
        """`make()`, once per name and identity of the sources, which must determine the result together."""
        key = ("keep", *name, *map(id, sources))
        kept = self._young.get(key)
        if kept is None:
            kept = self._old.get(key) or (sources, make())
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
