"""Following an API whose history can be gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from hauberk.base.apierrors import Gone
from hauberk.engine.follow import follow
from hauberk.kinds.testing import a
from hauberk.ports import WatchEvent
from hauberk.testing.memory_api import MemoryApi

pytestmark = pytest.mark.wire


class Forgetful:
    """An API whose first watch finds its history gone and whose second brings one change."""

    def __init__(self, api: MemoryApi) -> None:
        self._api = api
        self.watched = 0

    def snapshot(self) -> Any:
        return self._api.snapshot()

    async def watch(self, kinds: Any = None, *, since: int | None = None) -> AsyncIterator[Any]:
        self.watched += 1
        if self.watched == 1:
            raise Gone("too old resource version")
        yield [WatchEvent("ADDED", a("ConfigMap", "later"), 9)]
        await asyncio.Event().wait()


async def test_a_follower_starts_over_when_history_is_gone_and_misses_nothing() -> None:
    stored, seen = MemoryApi(), []
    await stored.create(a("ConfigMap", "there"))
    api = Forgetful(stored)
    arrived = asyncio.Event()

    def notice(event: WatchEvent) -> None:
        seen.append(event.obj["metadata"]["name"])
        arrived.set()

    def begin(snapshot: Any) -> None:
        seen.extend(o["metadata"]["name"] for o in snapshot.list("ConfigMap"))

    task = asyncio.ensure_future(follow(api, None, begin, notice))  # type: ignore[arg-type]
    await asyncio.wait_for(arrived.wait(), 5)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert seen == ["there", "there", "later"]
