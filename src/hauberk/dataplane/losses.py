"""Counts what a killed process takes with it of channels that are kept in memory only.

Two numbers in a mapped file: deliveries begun and ended. They survive the process, not the machine.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_PAIR = struct.Struct("<QQ")


class Losses:
    """The two numbers of one slot."""

    def __init__(self, folder: Path) -> None:
        path = folder / "memory-only"
        if not path.exists() or path.stat().st_size != _PAIR.size:
            path.write_bytes(bytes(_PAIR.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _PAIR.size)
        begun, ended = _PAIR.unpack_from(self._map)
        self.lost_before = max(0, begun - ended)
        self._begun = self._ended = 0
        self._store()

    def begin(self, count: int) -> None:
        """So many deliveries are held in memory only."""
        self._begun += count
        self._store()

    def end(self) -> None:
        """One of them has ended."""
        self._ended += 1
        self._store()

    @property
    def held(self) -> int:
        """Deliveries that would be lost now."""
        return self._begun - self._ended

    def _store(self) -> None:
        _PAIR.pack_into(self._map, 0, self._begun, self._ended)
