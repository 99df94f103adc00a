"""The loop that two feeds share: changes of some kinds, a short pause, one rebuild of everything.

A burst of changes becomes one rebuild. A rebuild that fails is logged and the next change tries
again: what was pushed last stays in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from hauberk.base.apierrors import Gone
from hauberk.ports import Api, Clock

log = logging.getLogger(__name__)
PAUSE_S = 0.003
APART_S = 0.03
SHARE = 4
LONGEST_S = 3.0
"""From one rebuild to the next: a change after a quiet time is not delayed, and a stream of changes (a pod
coming up writes a dozen) does not keep the loop from the work that makes them: where a rebuild is long, in a
cluster with many services, it takes one SHAREth of the time."""


def pause_s(since_last: float, took: float = 0.0) -> float:
    """How long to wait for more changes, `since_last` seconds after a rebuild began that took `took`."""
    return max(PAUSE_S, max(APART_S, min(SHARE * took, LONGEST_S)) - since_last)


@dataclass(kw_only=True)
class Feed:
    """Calls `rebuild` at the start and after every change of the kinds."""

    name: str
    api: Api
    kinds: Collection[str]
    clock: Clock
    rebuild: Callable[[], Awaitable[float]]  # returns the seconds that its work took
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._follow())

    def wake(self) -> None:
        """Rebuild for a reason that is not in the API."""
        self._dirty.set()

    async def _listen(self) -> None:
        while True:
            self._dirty.set()
            try:
                async for _ in self.api.watch(self.kinds):
                    self._dirty.set()
            except Gone:
                log.info("fell behind, rebuilding", extra={"feed": self.name})

    async def _follow(self) -> None:
        last, took = self.clock.monotonic() - APART_S, 0.0
        while True:
            await self._dirty.wait()
            await self.clock.sleep(pause_s(self.clock.monotonic() - last, took))
            self._dirty.clear()
            last = self.clock.monotonic()
            try:
                took = await self.rebuild()
            except Exception:
                log.exception("rebuild failed; the last good state stays", extra={"feed": self.name})
