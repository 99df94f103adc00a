"""Garbage collection and events at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hauberk.apiserver import Server
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.clock import SystemClock
from hauberk.engine.gc import FOREGROUND, ORPHAN, GarbageCollector
from hauberk.engine.recorder import EventRecorder
from hauberk.ports import Api
from hauberk.store import Store
from hauberk.testing.memory_api import MemoryApi


def config(
    name: str, *owners: Json, namespace: str = "a", finalizers: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"],
                 "uid": o["metadata"]["uid"], "blockOwnerDeletion": True}
                for o in owners
            ],
            "finalizers": list(finalizers),
        },
    }  # fmt: skip


def memory_api(_folder: Path) -> Api:
    return MemoryApi(SystemClock())


def server(folder: Path) -> Api:
    return Server(Store.open(folder / "state.db"), clock=SystemClock())


@pytest.fixture(params=[memory_api, server], ids=lambda f: f.__name__)
def collecting(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The same tests against the double and against the real server."""
    return lambda: running(request.param(tmp_path))


@asynccontextmanager
async def running(api: Api) -> AsyncIterator[Api]:
    clock = SystemClock()
    for name in ("a", "b"):
        await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(GarbageCollector(api, clock).run())
        try:
            yield api
        finally:
            task.cancel()


async def calm() -> None:
    await asyncio.sleep(0.15)


def names(api: Api) -> list[str]:
    return [o["metadata"]["name"] for o in api.snapshot().list("ConfigMap")]


async def test_children_go_with_their_last_owner_and_theirs_too(collecting: Any) -> None:
    async with collecting() as api:
        a, b = await api.create(config("a")), await api.create(config("b"))
        child = await api.create(config("child", a, b))
        await api.create(config("grandchild", child))
        await api.delete(ref_of(a))
        await calm()
        assert names(api) == ["b", "child", "grandchild"]
        stored = api.snapshot().get(ref_of(child))
        assert stored is not None
        assert [o["name"] for o in stored["metadata"]["ownerReferences"]] == ["b"]
        await api.delete(ref_of(b))
        await calm()
        assert names(api) == []


async def test_an_owner_of_the_same_name_is_not_the_owner(collecting: Any) -> None:
    async with collecting() as api:
        a = await api.create(config("a"))
        await api.delete(ref_of(a))
        await api.create(config("a"))
        await api.create(config("child", a))
        await calm()
        assert names(api) == ["a"]


async def test_orphans_lose_their_owner_and_stay(collecting: Any) -> None:
    async with collecting() as api:
        a = await api.create(config("a", finalizers=(ORPHAN,)))
        await api.create(config("child", a))
        await api.delete(ref_of(a))
        await calm()
        assert names(api) == ["child"]


async def test_foreground_deletion_keeps_the_owner_until_its_dependents_are_gone(collecting: Any) -> None:
    async with collecting() as api:
        a = await api.create(config("a", finalizers=(FOREGROUND,)))
        child = await api.create(config("child", a))
        held = await api.create(config("grandchild", child, finalizers=("example.com/held",)))
        await api.delete(ref_of(a))
        await calm()
        assert names(api) == ["a", "child", "grandchild"]
        await api.patch(ref_of(held), {"metadata": {"finalizers": []}})
        await calm()
        assert names(api) == []


async def test_a_namespace_goes_after_its_content(collecting: Any) -> None:
    async with collecting() as api:
        await api.create(config("one"))
        held = await api.create(config("two", finalizers=("example.com/held",)))
        await api.create(config("elsewhere", namespace="b"))
        ref = Ref("Namespace", "", "a")
        await api.delete(ref)
        await calm()
        stored = api.snapshot().get(ref)
        assert stored is not None
        assert stored["status"]["phase"] == "Terminating"
        rows = {c["type"]: c["message"] for c in stored["status"]["conditions"]}
        assert (
            rows["NamespaceContentRemaining"]
            == "Some resources are remaining: configmaps. has 1 resource instances"
        )
        assert "example.com/held in 1 resource instances" in rows["NamespaceFinalizersRemaining"]
        await api.patch(ref_of(held), {"metadata": {"finalizers": []}})
        await calm()
        assert api.snapshot().get(ref) is None
        assert names(api) == ["elsewhere"]


async def test_repeated_events_are_counted_and_a_flood_is_stopped() -> None:
    clock = SystemClock()
    api = MemoryApi(clock)
    about = await api.create(config("a"))
    recorder = EventRecorder(api, clock)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(recorder.run())
        recorder.event(about, "Created", "Created it", component="x")
        recorder.event(about, "Created", "Created it", component="x")
        await asyncio.sleep(0.06)
        recorder.event(about, "Created", "Created it", component="x")
        for i in range(40):
            recorder.event(about, "Other", f"number {i}", component="x")
        await asyncio.sleep(0.06)
        running.cancel()
    events = api.snapshot().list("Event", "a")
    (counted,) = [e for e in events if e["reason"] == "Created"]
    assert counted["count"] == 3
    assert counted["involvedObject"]["uid"] == about["metadata"]["uid"]
    assert counted["metadata"]["name"].startswith("a.")
    assert len(events) == 23
    assert recorder.dropped == 18
