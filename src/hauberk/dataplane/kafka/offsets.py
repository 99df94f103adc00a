"""Which offsets may be committed: records end in any order, the position only moves over ended ones.

Source: knative-extensions/eventing-kafka-broker data-plane dispatcher OffsetManager.java (at least once).
"""

from __future__ import annotations


class Partition:
    """One assigned partition. `position` is what to commit: all records before it have ended."""

    __slots__ = ("_ended", "_last", "committed", "position")

    def __init__(self, position: int) -> None:
        self.position = self.committed = position
        self._ended: set[int] = set()
        self._last = position - 1

    @property
    def dirty(self) -> bool:
        """Whether `position` was not committed yet."""
        return self.position != self.committed

    @property
    def open(self) -> int:
        """How far the last record taken is ahead of the position: at most so many would come again."""
        return self._last + 1 - self.position

    def take(self, offset: int) -> None:
        """A record was handed out. Offsets between (transaction marks, compacted records) count as ended."""
        for skipped in range(self._last + 1, offset):
            self._ended.add(skipped)
        self._last = offset
        self._advance()

    def end(self, offset: int) -> None:
        """A record was delivered, filtered out, dead-lettered or given up."""
        self._ended.add(offset)
        self._advance()

    def _advance(self) -> None:
        while self.position in self._ended:
            self._ended.discard(self.position)
            self.position += 1
