"""Ten thousand requests wait for one revision, one more is refused, and afterwards nothing is left."""

from __future__ import annotations

import asyncio
import tracemalloc

from hauberk.autoscaler import Facts
from hauberk.ports import Forward, HoldAnswer, HoldRequest, Reject
from hauberk.serving.activator.activator import FULL, Activator
from hauberk.serving.activator.machine import DEPTH
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

BYTES_A_REQUEST = 12_000
"""What a held request may take in the control plane: its task, its timer and its place in the queue."""

REVISION = {
    "apiVersion": "serving.knative.dev/v1",
    "kind": "Revision",
    "metadata": {"name": "r", "namespace": "a"},
    "spec": {"containers": [{"image": "x"}], "timeoutSeconds": 300},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "a", "labels": {"serving.knative.dev/revision": "r"}},
    "spec": {},
    "status": {"podIP": "10.128.0.9", "conditions": [{"type": "Ready", "status": "True"}]},
}


def asked(number: int) -> HoldRequest:
    return HoldRequest(
        namespace="a", revision="r", pod_uid="activator", authority="r.a", path=f"/{number}", headers={}
    )


async def held_by(activator: Activator, group: asyncio.TaskGroup) -> list[asyncio.Task[HoldAnswer]]:
    tasks = [group.create_task(activator.hold(asked(i))) for i in range(DEPTH)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_one_more_than_the_queue_holds_is_refused_and_clients_that_vanish_leave_nothing() -> None:
    async def scenario() -> int:
        clock = FakeClock()
        api, facts = MemoryApi(clock), Facts(clock)
        api.seed(REVISION)
        activator = Activator(api, facts, clock)
        async with asyncio.TaskGroup() as group:
            before, _ = tracemalloc.get_traced_memory()
            waiting = await held_by(activator, group)
            after, _ = tracemalloc.get_traced_memory()
            assert facts.held(("a", "r")) == DEPTH
            assert await activator.hold(asked(DEPTH)) == Reject(503, FULL)
            for task in waiting:
                task.cancel()
        assert facts.held(("a", "r")) == 0
        assert not activator._revisions["a", "r"].waiters
        assert activator._revisions["a", "r"].throttle.is_idle
        return after - before

    tracemalloc.start()
    try:
        taken = asyncio.run(scenario())
    finally:
        tracemalloc.stop()
    assert taken < DEPTH * BYTES_A_REQUEST


def test_all_of_them_go_when_a_pod_is_there() -> None:
    async def scenario() -> set[HoldAnswer]:
        clock = FakeClock()
        api, facts = MemoryApi(clock), Facts(clock)
        api.seed(REVISION)
        activator = Activator(api, facts, clock)
        async with asyncio.TaskGroup() as group:
            waiting = await held_by(activator, group)
            api.seed(POD)
            activator._look(("a", "r"))
            answers = {await task for task in waiting}
        assert facts.held(("a", "r")) == 0
        return answers

    assert asyncio.run(scenario()) == {Forward("10.128.0.9:8012")}
