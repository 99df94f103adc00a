from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.base.apierrors import Gone
from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.store import StorageFull, Store


def ref(name: str) -> Ref:
    return Ref("Thing", "n", name)


def thing(name: str, value: object = 0) -> dict:
    return {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name, "namespace": "n"}, "value": value}


async def collect(watch, until: int) -> list:
    events: list = []
    while not events or events[-1].revision < until:
        events += await asyncio.wait_for(anext(watch), 5)
    return events


async def test_a_write_is_seen_only_after_it_is_committed(tmp_path: Path):
    store = Store.open(tmp_path / "s.db")
    done = store.write("ADDED", ref("a"), thing("a"))
    assert store.snapshot().get(ref("a")) is None
    assert store.latest(ref("a")) is not None
    await done
    assert store.snapshot().get(ref("a"))["metadata"]["resourceVersion"] == "1"
    assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600
    await store.close()


async def test_many_writers_get_the_order_of_their_decisions(tmp_path: Path):
    store = Store.open(tmp_path / "s.db", ephemeral=True)
    watch = store.watch()
    written = await asyncio.gather(*(store.write("ADDED", ref(f"x{i}"), thing(f"x{i}")) for i in range(500)))
    assert [int(o["metadata"]["resourceVersion"]) for o in written] == list(range(1, 501))
    events = await collect(watch, 500)
    assert [e.revision for e in events] == list(range(1, 501))
    await store.close()


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path):
    store = Store.open(tmp_path / "s.db")
    for i in range(3):
        await store.write("ADDED", ref(f"x{i}"), thing(f"x{i}", i))
    await store.write("DELETED", ref("x1"), thing("x1", 1))
    await store.close()
    again = Store.open(tmp_path / "s.db")
    assert [o["metadata"]["name"] for o in again.snapshot().list("Thing")] == ["x0", "x2"]
    assert again.snapshot().revision == 4
    events = await collect(again.watch(since=2), 4)
    assert [(e.type, e.obj["metadata"]["name"]) for e in events] == [("ADDED", "x2"), ("DELETED", "x1")]
    await again.close()


async def test_a_watch_from_a_compacted_revision_is_told_so(tmp_path: Path):
    store = Store.open(tmp_path / "s.db", ephemeral=True, kept=50)
    for i in range(120):
        await store.write("MODIFIED", ref("a"), thing("a", i))
    with pytest.raises(Gone, match="too old resource version: 3"):
        store.watch(since=3)
    assert len(await collect(store.watch(since=100), 120)) == 20
    await store.close()


async def test_a_slow_watch_is_fed_from_the_log_and_loses_nothing(tmp_path: Path):
    store = Store.open(tmp_path / "s.db", ephemeral=True)
    watch = store.watch(["Thing"])
    await asyncio.gather(*(store.write("MODIFIED", ref("a"), thing("a", i)) for i in range(6000)))
    events = await collect(watch, 6000)
    assert [e.revision for e in events] == list(range(1, 6001))
    await store.close()


async def test_closing_a_watch_ends_its_reader(tmp_path: Path):
    store = Store.open(tmp_path / "s.db", ephemeral=True)
    watch = store.watch()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(anext(watch, None))
        await asyncio.sleep(0)
        await watch.aclose()
    assert reading.result() is None
    await store.close()


async def test_a_full_disk_refuses_the_write_and_keeps_the_rest(tmp_path: Path):
    store = Store.open(tmp_path / "s.db")
    await store.write("ADDED", ref("a"), thing("a", "small"))
    store._disk.limit_pages(store._disk.pages() + 2)
    with pytest.raises(StorageFull, match="full") as refusal:
        await store.write("ADDED", ref("b"), thing("b", "x" * 200_000))
    assert refusal.value.code == 507
    assert store.latest(ref("b")) is None
    store._disk.limit_pages(1_000_000)
    await store.write("ADDED", ref("c"), thing("c"))
    await store.close()
    again = Store.open(tmp_path / "s.db")
    assert [o["metadata"]["name"] for o in again.snapshot().list("Thing")] == ["a", "c"]
    await again.close()


async def test_writes_decided_upon_a_lost_write_are_lost_with_it(tmp_path: Path):
    store = Store.open(tmp_path / "s.db")
    await store.write("ADDED", ref("a"), thing("a"))
    store._disk.limit_pages(store._disk.pages() + 2)
    lost = [store.write("MODIFIED", ref("a"), thing("a", "x" * 200_000))]
    lost += [store.write("MODIFIED", ref("a"), thing("a", i)) for i in range(5)]
    outcomes = await asyncio.gather(*lost, return_exceptions=True)
    assert all(isinstance(o, StorageFull) for o in outcomes)
    assert store.latest(ref("a"))["value"] == 0
    await store.close()


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path):
    (tmp_path / "s.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(Problem, match="cannot be opened"):
        Store.open(tmp_path / "s.db")


WRITER = """
import asyncio, sys
from pathlib import Path
from hauberk.base.refs import Ref
from hauberk.store import Store

async def write(store, i):
    name = f"x{i % 50}"
    ref = Ref("Thing", "n", name)
    obj = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name, "namespace": "n"}, "value": i}
    await store.write("MODIFIED" if store.latest(ref) else "ADDED", ref, obj)
    print(i, flush=True)

async def main():
    store = Store.open(Path(sys.argv[1]))
    i = 0
    while True:
        await asyncio.gather(*(write(store, i + j) for j in range(20)))
        i += 20

asyncio.run(main())
"""


def killed_writer(database: Path, after: int) -> list[int]:
    """Run a writer, kill it after so many acknowledged writes, and return them all."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(database)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        return acknowledged + [int(line) for line in process.stdout.read().split(b"\n")[:-1]]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_acknowledged_write_survives_kill_9(tmp_path: Path, seed: int):
    database = tmp_path / "s.db"
    acknowledged = killed_writer(database, random.Random(seed).randint(100, 2000))
    store = Store.open(database)
    stored = {o["metadata"]["name"]: o["value"] for o in store.snapshot().list("Thing")}
    for i in acknowledged:
        assert stored[f"x{i % 50}"] >= i
    last = store.snapshot().revision
    assert max(stored.values()) == last - 1  # nothing is half there: the log and the objects agree
    done = await store.write("ADDED", ref("after"), thing("after"))
    assert int(done["metadata"]["resourceVersion"]) == last + 1
    await store.close()


steps = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans()), max_size=40)


@settings(max_examples=30, deadline=None)
@given(steps=steps, cut=st.integers(0, 40))
def test_a_list_and_the_changes_after_it_equal_a_later_list(tmp_path_factory, steps, cut):
    async def run() -> None:
        store = Store.open(tmp_path_factory.mktemp("store") / "s.db", ephemeral=True)
        listed: dict = {}
        start = 0
        for i, (name, delete, wait) in enumerate(steps):
            if i == cut:
                listed = {o["metadata"]["name"]: orjson.dumps(o) for o in store.snapshot().list("Thing")}
                start = store.snapshot().revision
            live = store.latest(ref(name))
            if delete and live is None:
                continue
            type_ = "DELETED" if delete else "MODIFIED" if live else "ADDED"
            done = store.write(type_, ref(name), thing(name, i))
            if wait:
                await done
        last = store._last
        for name in "abcd":
            await store.settled(ref(name))
        if cut >= len(steps) or start == 0:
            listed, start = {}, 0
        for event in await collect(store.watch(since=start), last) if last > start else ():
            if event.type == "DELETED":
                del listed[event.obj["metadata"]["name"]]
            else:
                listed[event.obj["metadata"]["name"]] = orjson.dumps(event.obj)
        assert listed == {o["metadata"]["name"]: orjson.dumps(o) for o in store.snapshot().list("Thing")}
        await store.close()

    asyncio.run(run())
