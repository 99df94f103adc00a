"""The work queue and the engine around it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.base.refs import Ref
from hauberk.engine.engine import Engine, owners
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.engine.queue import WorkQueue, backoff_s
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi
from hauberk.testing.recorder import KeptEvents


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(5):
            await main()

    asyncio.run(bounded())


@pytest.mark.parametrize(
    ("failures", "want"), [(1, 0.005), (2, 0.01), (3, 0.02), (18, 655.36), (19, 1000.0), (500, 1000.0)]
)
def test_backoff_doubles_from_five_milliseconds_to_a_thousand_seconds(failures: int, want: float) -> None:
    assert backoff_s(failures) == pytest.approx(want)


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "done"]), st.integers(0, 2)), max_size=60))
def test_an_item_is_never_on_two_workers_and_never_lost(script: list[tuple[str, int]]) -> None:
    async def main() -> None:
        queue: WorkQueue[int] = WorkQueue(FakeClock())
        wanted: Counter[int] = Counter()
        running: set[int] = set()
        for action, item in script:
            if action == "add":
                queue.add(item)
                wanted[item] = 1
            elif action == "take" and len(queue):
                got = await queue.take()
                assert got not in running
                running.add(got)
                del wanted[got]
            elif action == "done" and item in running:
                running.discard(item)
                queue.done(item)
        for item in list(running):
            queue.done(item)
        left = {await queue.take() for _ in range(len(queue))}
        assert left == set(wanted)

    run(main)


def test_of_two_delays_the_shorter_counts_and_the_item_comes_once() -> None:
    async def main() -> None:
        clock = FakeClock()
        queue: WorkQueue[str] = WorkQueue(clock)
        async with asyncio.TaskGroup() as tasks:
            queue.add_after("x", 10, tasks)
            queue.add_after("x", 1, tasks)
            queue.add_after("x", 5, tasks)
            await asyncio.sleep(0)
            await clock.advance(2)
            assert len(queue) == 1
            assert await queue.take() == "x"
            queue.done("x")
            await clock.advance(20)
            assert len(queue) == 0

    run(main)


def config(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "a"},
        "data": data,
    }


def engine(api: MemoryApi, row: Controller[Any]) -> tuple[Engine, KeptEvents, FakeClock]:
    clock, recorder = FakeClock(), KeptEvents()
    return Engine(api, (row,), clock, recorder), recorder, clock


async def while_running(it: Engine, story: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(it.run())
        await turns()
        await story()
        running.cancel()


async def turns() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


def test_an_object_that_fails_is_tried_again_and_stops_no_other() -> None:
    seen: Counter[str] = Counter()

    def observe(snapshot: Any, ref: Ref) -> str:
        seen[ref.name] += 1
        if ref.name == "bad" and seen["bad"] < 3:
            raise RuntimeError("cannot be read")
        return ref.name

    row = Controller(name="t", kind="ConfigMap", observe=observe, plan=lambda w, now: Plan())
    api = MemoryApi()
    api.seed(config("bad"), config("good"))
    it, _, clock = engine(api, row)

    async def story() -> None:
        assert seen == {"bad": 1, "good": 1}
        await clock.advance(0.005)
        await clock.advance(0.010)
        assert seen == {"bad": 3, "good": 1}
        assert it.queue.failures(("t", Ref("ConfigMap", "a", "bad"))) == 0

    run(lambda: while_running(it, story))


def test_a_plan_is_looked_at_again_when_it_asked_for_it() -> None:
    looks: list[float] = []

    def plan(world: str, now: float) -> Plan:
        looks.append(now)
        return Plan(retry_after=30.0)

    row = Controller(name="t", kind="ConfigMap", observe=lambda s, r: r.name, plan=plan)
    api = MemoryApi()
    api.seed(config("x"))
    it, _, clock = engine(api, row)

    async def story() -> None:
        await clock.advance(29)
        assert len(looks) == 1
        await clock.advance(1)
        assert len(looks) == 2

    run(lambda: while_running(it, story))


def test_a_note_is_told_once_while_it_stays() -> None:
    row = Controller(
        name="t",
        kind="ConfigMap",
        observe=lambda s, r: s.get(r),
        plan=lambda w, now: Plan(notes=(Note("Seen", w["data"]["k"]),)),
    )
    api = MemoryApi()
    api.seed(config("x", k="one"))
    it, recorder, _ = engine(api, row)

    async def story() -> None:
        ref = Ref("ConfigMap", "a", "x")
        it.wake("t", ref)
        await turns()
        await api.patch(ref, {"data": {"k": "two"}})
        await turns()
        assert [message for _, _, message in recorder.seen] == ["one", "two"]

    run(lambda: while_running(it, story))


def test_a_refused_write_is_told_in_an_event() -> None:
    bad = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "a"},
        "type": "kubernetes.io/tls",
    }
    row = Controller(
        name="t",
        kind="ConfigMap",
        owns=("Secret",),
        observe=lambda s, r: r.name,
        plan=lambda w, now: Plan(children=(bad,)),
    )
    api = MemoryApi()
    api.seed(config("x"))
    it, recorder, _ = engine(api, row)

    async def story() -> None:
        ((ref, reason, message),) = recorder.seen
        assert (ref.name, reason) == ("x", "InternalError")
        assert "data[tls.crt]: Required value" in message

    run(lambda: while_running(it, story))


def test_owners_are_found_by_the_scope_of_their_kind() -> None:
    child = config("c")
    child["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Namespace", "name": "n", "uid": "u"}
    ]
    assert list(owners(child, "Namespace")) == [Ref("Namespace", "", "n")]
    child["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]
    assert list(owners(child, "Pod")) == [Ref("Pod", "a", "p")]
