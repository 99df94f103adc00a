"""What objects were before the last changes, so that a list can be shown as it was.

Guarantees: `before` tells the state of every object of a kind at a revision it still reaches back to; memory
is bounded by the size of the objects that it keeps alive.
"""

from __future__ import annotations

from collections import deque

from hauberk.base.refs import Json, Ref

_MOST_BYTES = 32 * 1024 * 1024
_MOST_CHANGES = 10_000
_BARE = 200  # bytes that an entry costs whatever it holds

_Change = tuple[int, Ref, Json | None, int]


class History:
    """The last changes, newest last, each with what it replaced."""

    def __init__(
        self, start: int, *, most_bytes: int = _MOST_BYTES, most_changes: int = _MOST_CHANGES
    ) -> None:
        self._floor = start
        self._changes: deque[_Change] = deque()
        self._bytes, self._most_bytes, self._most_changes = 0, most_bytes, most_changes

    def note(self, revision: int, ref: Ref, old: Json | None, size: int) -> None:
        """Remember what a change replaced. `size` is about how many bytes that has."""
        cost = _BARE + (size if old is not None else 0)
        self._changes.append((revision, ref, old, cost))
        self._bytes += cost
        while self._bytes > self._most_bytes or len(self._changes) > self._most_changes:
            dropped = self._changes.popleft()
            self._floor, self._bytes = dropped[0], self._bytes - dropped[3]

    def before(self, kind: str, revision: int) -> dict[tuple[str, str], Json | None] | None:
        """Objects of a kind that changed since, as they were then (None: not there), by namespace and name.

        None when it is too long ago.
        """
        if revision < self._floor:
            return None
        found: dict[tuple[str, str], Json | None] = {}
        for at, ref, old, _ in reversed(self._changes):
            if at <= revision:
                break
            if ref.kind == kind:
                found[ref.namespace, ref.name] = old
        return found
