"""A watcher that reads slower than others write: fed from the log until it is level, then live again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hauberk.base.apierrors import Gone
from hauberk.ports import WatchEvent
from hauberk.store.watch import BACKLOG, Hub, gone


def change(revision: int) -> WatchEvent:
    """Every third change is of the kind that the watchers here do not want."""
    kind = "Other" if revision % 3 == 0 else "Thing"
    return WatchEvent("MODIFIED", {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}}, revision)


class Writes:
    """Commits changes to a log and publishes them, as the store does; counts what is read back."""

    def __init__(self) -> None:
        self.log: list[WatchEvent] = []
        self.reads, self.compacted = 0, 0
        self.pause_s = 0.0
        self.hub = Hub(self._read)

    def store(self, count: int) -> list[WatchEvent]:
        """Committed, and in the log; not published yet."""
        first = len(self.log) + 1
        fresh = [change(revision) for revision in range(first, first + count)]
        self.log += fresh
        return fresh

    def publish(self, fresh: Sequence[WatchEvent]) -> None:
        self.hub.publish((event.obj["kind"], event) for event in fresh)

    def commit(self, count: int) -> None:
        self.publish(self.store(count))

    async def _read(self, after: int, limit: int) -> Sequence[WatchEvent]:
        self.reads += 1
        if after < self.compacted:
            raise gone(after, self.compacted)
        found = self.log[after : after + limit]
        await asyncio.sleep(self.pause_s)  # the disk answers; others write meanwhile
        return found

    def things(self, after: int = 0) -> list[int]:
        return [event.revision for event in self.log[after:] if event.obj["kind"] == "Thing"]


async def test_it_stays_with_the_log_while_writes_outpace_it_and_loses_nothing() -> None:
    writes = Writes()
    watcher = writes.hub.subscribe(["Thing"], None)
    writes.commit(2 * BACKLOG)
    seen: list[int] = []
    for _ in range(20):  # each turn more is written than one read of the log gives
        seen += [event.revision for event in await writes.hub.batch(watcher)]
        writes.commit(1500)
        assert watcher.behind
        assert not watcher.buffer, "what is in the log costs no memory"
    while watcher.behind:
        seen += [event.revision for event in await writes.hub.batch(watcher)]
    assert seen == writes.things()

    read_back = writes.reads
    start = len(writes.log)
    writes.commit(10)
    assert [event.revision for event in await writes.hub.batch(watcher)] == writes.things(start)
    assert writes.reads == read_back, "level again: fed from memory"


async def test_what_is_written_while_the_log_is_read_comes_once_and_in_order() -> None:
    writes = Writes()
    writes.pause_s = 0.001
    watcher = writes.hub.subscribe(["Thing"], None)
    writes.commit(2 * BACKLOG)
    seen: list[int] = []

    async def read() -> None:
        while not seen or seen[-1] < 3 * BACKLOG - 1:
            seen.extend(event.revision for event in await writes.hub.batch(watcher))

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        while len(writes.log) < 3 * BACKLOG:
            writes.commit(min(64, 3 * BACKLOG - len(writes.log)))
            await asyncio.sleep(0)
        await reading
    assert seen == writes.things()


async def test_what_the_log_gave_before_it_was_published_does_not_come_again() -> None:
    writes = Writes()
    watcher = writes.hub.subscribe(["Thing"], None)
    writes.commit(2 * BACKLOG)
    ahead = writes.store(5)
    seen: list[int] = []
    while watcher.behind:
        seen += [event.revision for event in await writes.hub.batch(watcher)]
    writes.publish(ahead)
    writes.commit(5)
    seen += [event.revision for event in await writes.hub.batch(watcher)]
    assert seen == writes.things()


async def test_its_buffer_is_bounded_and_others_are_not_slowed() -> None:
    writes = Writes()
    slow, quick = (writes.hub.subscribe(["Thing"], None) for _ in range(2))
    seen: list[int] = []
    for _ in range(40):
        writes.commit(300)
        seen += [event.revision for event in await writes.hub.batch(quick)]
        assert len(slow.buffer) <= BACKLOG
    assert seen == writes.things()
    assert slow.behind
    assert not quick.behind
    assert writes.reads == 0


async def test_it_is_told_when_the_log_no_longer_reaches_back() -> None:
    writes = Writes()
    watcher = writes.hub.subscribe(["Thing"], None)
    writes.commit(2 * BACKLOG)
    writes.compacted = BACKLOG
    with pytest.raises(Gone, match="too old resource version: 0"):
        await writes.hub.batch(watcher)
