"""A steady load from this machine, every request of which is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hauberk.integration.verify.judges import Counted
from hauberk.integration.verify.outside import Outside

WORKERS = 4


@dataclass
class Load:
    """Requests at `per_s`, spread over `WORKERS` connections; `take` gives what was counted since."""

    client: Outside
    per_s: float
    _answered: int = 0
    _lost: list[str] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> Counted:
        """What was counted since the last `take`."""
        counted = Counted(self._answered, tuple(self._lost))
        self._answered, self._lost = 0, []
        return counted

    async def work(self) -> None:
        """One worker, until stopped."""
        while not self._stop.is_set():
            answer = await self.client.get()
            if answer.status == 200:
                self._answered += 1
            else:
                self._lost.append(answer.problem or f"status {answer.status}")
            try:
                async with asyncio.timeout(WORKERS / self.per_s):
                    await self._stop.wait()
            except TimeoutError:
                continue

    def stop(self) -> None:
        """Let each worker end with the request that it is at."""
        self._stop.set()


@asynccontextmanager
async def under_load(client: Outside, per_s: float) -> AsyncIterator[Load]:
    """The load, from here to the end of the block; its last requests are awaited."""
    load = Load(client, per_s)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.create_task(load.work())
        try:
            yield load
        finally:
            load.stop()
