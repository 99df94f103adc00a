"""What a process keeps: slots of others, segments that a few deliveries hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hauberk.dataplane.client import Client
from hauberk.dataplane.courier import Courier
from hauberk.dataplane.kept import Kept
from hauberk.dataplane.log import Body
from hauberk.dataplane.readers import Crowd, Item, Reader
from hauberk.events import filters
from hauberk.events.contract import Egress

pytestmark = pytest.mark.wire


def body(number: int, *readers: str) -> Body:
    return Body("c", number, list(readers), [], {"id": str(number)}, b"x" * 50)


def idle_reader(tasks: asyncio.TaskGroup, uid: str) -> Reader:
    """A subscriber to whom nothing is delivered now."""
    courier = Courier(Client(), tasks)
    reader = Reader(Egress(uid, "ns", uid), filters.compile(()), courier, tasks, Crowd(lambda *_: None))
    reader.finish()
    return reader


def numbers(reader: Reader) -> list[str]:
    return [item.load()[0].id for item in reader.queue]


async def test_a_segment_that_one_slow_subscriber_holds_is_rewritten_in_order(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        kept = Kept(tmp_path, tasks, segment_size=1000)
        slow = idle_reader(tasks, "slow")
        for number in range(40):
            readers = ("slow", "quick") if number % 8 == 0 else ("quick",)
            (entries,) = await kept.append([body(number, *readers)])
            for name, entry in zip(readers, entries, strict=True):
                if name == "slow":
                    slow.queue.append(Item(None, (), kept.log, entry))
                else:
                    kept.log.done(entry)
        await asyncio.sleep(0.01)
        before = kept.log.bytes_kept
        await kept.tidy([slow])
        await asyncio.sleep(0.01)
        assert kept.log.bytes_kept < before / 2
        assert numbers(slow) == ["0", "8", "16", "24", "32"]
        await kept.close()
    async with asyncio.TaskGroup() as tasks:
        again = Kept(tmp_path, tasks)
        again.recover()
        after = idle_reader(tasks, "slow")
        again.hand_over({"slow": after}, final=True)
        assert numbers(after) == ["0", "8", "16", "24", "32"]
        await again.close()


async def test_what_a_replica_left_is_taken_over_and_its_slot_is_let_go(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        first, second = Kept(tmp_path, tasks), Kept(tmp_path, tasks)
        await second.append([body(1, "a")])
        await first.append([body(2, "a")])
        first.take_left()
        reader = idle_reader(tasks, "a")
        first.hand_over({"a": reader}, final=False)
        assert numbers(reader) == []  # the second still runs
        await second.close()
        first.take_left()
        first.hand_over({"a": reader}, final=False)
        assert numbers(reader) == ["1"]
        for item in reader.queue:
            item.settle()
        await asyncio.sleep(0.01)
        reader.queue.clear()
        await first.tidy([reader])
        assert not list((tmp_path / "slot-1" / "log").glob("*"))
        third = Kept(tmp_path, tasks)  # slot-1 is free
        await third.close()
        await first.close()


async def test_orphans_wait_for_a_fresh_contract(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        kept = Kept(tmp_path, tasks)
        await kept.append([body(1, "gone")])
        await kept.close()
        again = Kept(tmp_path, tasks)
        again.recover()
        again.hand_over({}, final=False)
        assert again.log.bytes_kept > 0
        again.hand_over({}, final=True)
        await again.close()
    assert not list((tmp_path / "slot-0" / "log").glob("*"))
