"""The log: what was acknowledged is there again, what was cut is not, and files go when nobody needs them."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hauberk.dataplane import slots
from hauberk.dataplane.log import Body, Entry, Log
from hauberk.dataplane.losses import Losses

pytestmark = pytest.mark.wire


def body(number: int, readers: tuple[str, ...] = ("a",), size: int = 10) -> Body:
    return Body("c", number, list(readers), [("x", "y")], {"id": str(number)}, bytes(size))


@asynccontextmanager
async def opened(folder: Path, segment_size: int = 4096) -> AsyncIterator[Log]:
    """A log that is left as a killed process leaves it: nothing is closed in order."""
    with ThreadPoolExecutor(1) as executor:
        async with asyncio.TaskGroup() as tasks:
            yield Log(folder, tasks, executor, segment_size=segment_size)


async def owed(folder: Path) -> list[tuple[int, str]]:
    async with opened(folder) as log:
        return [(b.sequence, b.readers[e.reader]) for e, b in log.recover()]


async def test_what_was_appended_is_there_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await asyncio.gather(*[log.append([body(n, ("a", "b"))]) for n in range(50)])
        assert log.syncs < 10  # together
    assert await owed(tmp_path) == [(n, r) for n in range(50) for r in ("a", "b")]


async def test_marks_are_remembered_and_finished_segments_go(tmp_path: Path) -> None:
    async with opened(tmp_path, segment_size=300) as log:
        entries = [(await log.append([body(n)]))[0][0] for n in range(20)]
        assert len(list(tmp_path.glob("*.log"))) >= 3
        for entry in entries[:-1]:
            log.done(entry)
        await asyncio.sleep(0.01)
        assert [p.name for p in tmp_path.glob("*.log")] == [f"{entries[-1].segment:08d}.log"]
    assert await owed(tmp_path) == [(19, "a")]


async def test_closing_an_empty_log_leaves_no_files(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        ((entry,),) = await log.append([body(1)])
        log.done(entry)
        await log.close()
    assert not list(tmp_path.iterdir())


async def test_a_log_is_whole_up_to_any_cut(tmp_path: Path) -> None:
    """A property over every length that a crash may leave."""
    async with opened(tmp_path / "whole") as log:
        sizes = []
        for n in range(6):
            await log.append([body(n, size=n)])
            sizes.append(log.bytes_kept)
    content = (tmp_path / "whole" / "00000001.log").read_bytes()
    for cut in range(len(content) + 1):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / "00000001.log").write_bytes(content[:cut])
        kept = sum(1 for size in sizes if size <= cut)
        assert [n for n, _ in await owed(folder)] == list(range(kept)), cut
        async with opened(folder) as log:  # and it can be written on
            log.recover()
            await log.append([body(100)])
        assert [n for n, _ in await owed(folder)] == [*range(kept), 100]


@pytest.mark.parametrize("junk", [b"\0" * 40, b"\xff" * 40, b"\x05\0\0\0\x01\x02\x03\x04hello"])
async def test_a_damaged_tail_is_left_off(tmp_path: Path, junk: bytes) -> None:
    async with opened(tmp_path) as log:
        await log.append([body(1)])
    with (tmp_path / "00000001.log").open("ab") as file:
        file.write(junk)
    assert await owed(tmp_path) == [(1, "a")]


async def test_half_a_mark_does_not_count(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        for n in range(2):
            ((entry,),) = await log.append([body(n)])
            log.done(entry)
        await asyncio.sleep(0.01)
        # the segment is current, so it stays
    marks = tmp_path / "00000001.done"
    marks.write_bytes(marks.read_bytes()[:-1])
    assert await owed(tmp_path) == [(1, "a")]


async def test_a_full_disk_is_an_error_and_leaves_nothing_half(tmp_path: Path) -> None:
    """The limit on file sizes stands for the disk's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        async with opened(tmp_path) as log:
            await log.append([body(1)])
            size = log.bytes_kept
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
            with pytest.raises(OSError, match="File too large"):
                await log.append([body(2, size=1000)])
            assert (tmp_path / "00000001.log").stat().st_size == size
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            await log.append([body(3)])
        assert await owed(tmp_path) == [(1, "a"), (3, "a")]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


async def test_an_append_that_nobody_waits_for_any_more_is_not_delivered_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        waiting = asyncio.ensure_future(log.append([body(1)]))
        await asyncio.sleep(0)
        waiting.cancel()
        await log.append([body(2)])
        await asyncio.sleep(0.01)
    assert await owed(tmp_path) == [(2, "a")]


async def test_a_record_can_be_read_where_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        ((first, second),) = await log.append([body(7, ("a", "b"))])
        assert log.read(second) == body(7, ("a", "b"))
        with pytest.raises(ValueError, match="cut"):
            log.read(Entry(first.segment, 10_000, 0))


async def test_sparse_segments_are_named(tmp_path: Path) -> None:
    async with opened(tmp_path, segment_size=300) as log:
        entries = [(await log.append([body(n)]))[0][0] for n in range(20)]
        first = [e for e in entries if e.segment == entries[0].segment]
        for entry in first[1:]:
            log.done(entry)
        assert log.sparse() == ([first[0].segment] if len(first) >= 4 else [])


def test_a_slot_has_one_holder_and_is_free_when_it_dies(tmp_path: Path) -> None:
    own = slots.take_own(tmp_path)
    assert own.folder.name == "slot-0"
    assert slots.take(tmp_path, 0) is None
    pid = os.fork()
    if pid == 0:
        other = slots.take_own(tmp_path)
        (other.folder / "log").mkdir()
        (other.folder / "log" / "00000001.log").write_bytes(b"x")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert [slot.folder.name for slot in slots.take_left(tmp_path)] == ["slot-1"]
    own.release()
    again = slots.take_own(tmp_path)
    assert again.folder.name == "slot-0"


def test_losses_are_counted_across_a_kill(tmp_path: Path) -> None:
    first = Losses(tmp_path)
    assert first.lost_before == 0
    first.begin(5)
    first.end()
    assert first.held == 4
    second = Losses(tmp_path)
    assert (second.lost_before, second.held) == (4, 0)
    assert Losses(tmp_path).lost_before == 0
