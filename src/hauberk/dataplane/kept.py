"""What one process keeps on disk: its own slot and log, and those of processes that are gone.

Until its subscriber is known, a delivery found on disk is an orphan. Orphans are dropped only when a fresh
contract does not name their subscriber.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from hauberk.dataplane import slots
from hauberk.dataplane.log import Body, Entry, Log
from hauberk.dataplane.losses import Losses
from hauberk.dataplane.readers import Item, Reader

log = logging.getLogger(__name__)


class Kept:
    """The folders of one process."""

    def __init__(self, data: Path, tasks: asyncio.TaskGroup, *, segment_size: int = 0) -> None:
        self._data, self._tasks = data, tasks
        self._executor = ThreadPoolExecutor(1, "log")
        self._size = {"segment_size": segment_size} if segment_size else {}
        self._slot = slots.take_own(data)
        self.losses = Losses(self._slot.folder)
        self.log = self._open(self._slot)
        self._left: list[tuple[slots.Slot, Log]] = []
        self._orphans: dict[str, list[Item]] = {}
        self.sequence = 0
        self.recovered = 0

    def _open(self, slot: slots.Slot) -> Log:
        return Log(slot.folder / "log", self._tasks, self._executor, **self._size)

    def recover(self) -> None:
        """Read what this slot and those of processes that are gone still owe."""
        self._read(self.log)
        self.take_left()

    def take_left(self) -> None:
        """Take over the slots of processes that have gone meanwhile."""
        for slot in slots.take_left(self._data):
            log.info("taking over %s", slot.folder.name)
            left = self._open(slot)
            self._left.append((slot, left))
            self._read(left)

    def _read(self, found: Log) -> None:
        deliveries = found.recover()
        for entry, body in deliveries:
            self.sequence = max(self.sequence, body.sequence)
            self._orphans.setdefault(body.readers[entry.reader], []).append(Item(None, (), found, entry))
        self.recovered += len(deliveries)
        if deliveries:
            log.info("%d deliveries that were acknowledged before are taken up", len(deliveries))

    def hand_over(self, readers: Mapping[str, Reader], *, final: bool) -> None:
        """Give orphans to their subscribers; `final`: those of others are dropped."""
        for uid in [uid for uid in self._orphans if uid in readers]:
            readers[uid].put_first(self._orphans.pop(uid))
        if final:
            for item in (i for items in self._orphans.values() for i in items):
                item.settle()
            self._orphans.clear()

    async def append(self, bodies: Sequence[Body]) -> list[list[Entry]]:
        """Keep records. Returns when the disk has them, OSError when not."""
        return await self.log.append(bodies)

    async def tidy(self, readers: Iterable[Reader]) -> None:
        """Let go of slots that owe nothing more, and rewrite segments that a few deliveries hold."""
        for pair in [pair for pair in self._left if not pair[1].segments]:
            self._left.remove(pair)
            await pair[1].close()
            pair[0].release()
        for kept in (self.log, *(left for _, left in self._left)):
            for number in kept.sparse():
                for reader in readers:
                    await self._move(kept, number, reader)

    async def _move(self, kept: Log, number: int, reader: Reader) -> None:
        for item in list(reader.queue):
            entry = item.entry
            if item.log is not kept or entry is None or entry.segment != number:
                continue
            try:
                body = msgspec.structs.replace(kept.read(entry), readers=[reader.egress.uid])
                ((moved,),) = await self.log.append([body])
            except (ValueError, OSError) as error:
                log.warning("a record could not be moved: %s", error)
                continue
            if item.entry is entry and item in reader.queue:
                item.log, item.entry = self.log, moved
                kept.done(entry)
            else:  # its turn came meanwhile
                self.log.done(moved)

    async def close(self) -> None:
        """Write what is to be written and let the folders go."""
        await self.log.close()
        for slot, left in self._left:
            await left.close()
            slot.release()
        self._executor.shutdown()
        self._slot.release()
