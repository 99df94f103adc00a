"""The work queue: each item once, never on two workers, again after its delay.

State machine of client-go's work queue. An item is *waiting* (in order), *running*, or both: an item that
is added while it runs waits until `done`.

| event     | not known  | waiting | running            |
|-----------|------------|---------|--------------------|
| `add`     | waits      | -       | waits after `done` |
| `take`    | -          | runs    | -                  |
| `done`    | -          | -       | free, or waits     |

Source: client-go util/workqueue/queue.go, default_rate_limiters.go (ItemExponentialFailureRateLimiter).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hauberk.ports import Clock

Item = TypeVar("Item", bound=Hashable)

BASE_S = 0.005
MAX_S = 1000.0
_MAX_DOUBLINGS = 18


@dataclass(slots=True)
class Counters:
    """What the queue did since it was made."""

    adds: int = 0
    retries: int = 0
    work_s: float = 0.0
    longest_s: float = 0.0


def backoff_s(failures: int) -> float:
    """The delay after so many failures in a row: 5 ms, 10 ms, … 1000 s."""
    return min(BASE_S * 2.0 ** min(failures - 1, _MAX_DOUBLINGS), MAX_S)


class WorkQueue(Generic[Item]):
    """Items that wait for a worker. All state changes are synchronous."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order: deque[Item] = deque()
        self._waiting: set[Item] = set()
        self._running: set[Item] = set()
        self._failures: dict[Item, int] = {}
        self._timers: dict[Item, tuple[float, asyncio.Task[None]]] = {}
        self._sleepers: deque[asyncio.Future[None]] = deque()
        self.counters = Counters()

    def __len__(self) -> int:
        return len(self._order)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs. Timers do not count."""
        return not self._waiting and not self._running

    def add(self, item: Item) -> None:
        """Let the item be worked on as soon as a worker is free."""
        if item in self._waiting:
            return
        self.counters.adds += 1
        self._waiting.add(item)
        if item not in self._running:
            self._push(item)

    def _push(self, item: Item) -> None:
        self._order.append(item)
        while self._sleepers:
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                break

    async def take(self) -> Item:
        """Wait for an item; the caller owes a `done`."""
        while not self._order:
            sleeper = asyncio.get_running_loop().create_future()
            self._sleepers.append(sleeper)
            try:
                await sleeper
            except asyncio.CancelledError:
                if sleeper.done() and not sleeper.cancelled() and self._order:
                    self._wake_another()
                raise
        item = self._order.popleft()
        self._waiting.discard(item)
        self._running.add(item)
        return item

    def _wake_another(self) -> None:
        """A woken worker was cancelled: its item must not wait for the next `add`."""
        while self._sleepers:
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    def done(self, item: Item) -> None:
        """End the work on an item that `take` returned."""
        self._running.discard(item)
        if item in self._waiting:
            self._push(item)

    def forget(self, item: Item) -> None:
        """The item succeeded: its next failure starts at the shortest delay."""
        self._failures.pop(item, None)

    def fail(self, item: Item) -> float:
        """Count a failure; returns the seconds to wait before the next try."""
        self._failures[item] = self._failures.get(item, 0) + 1
        self.counters.retries += 1
        return backoff_s(self._failures[item])

    def failures(self, item: Item) -> int:
        """Failures in a row."""
        return self._failures.get(item, 0)

    def add_after(self, item: Item, delay_s: float, tasks: asyncio.TaskGroup) -> None:
        """Add the item later; of several delays the one that ends first counts."""
        if delay_s <= 0:
            self.add(item)
            return
        at = self._clock.monotonic() + delay_s
        known = self._timers.get(item)
        if known is not None:
            if known[0] <= at:
                return
            known[1].cancel()
        self._timers[item] = (at, tasks.create_task(self._later(item, delay_s, at)))

    async def _later(self, item: Item, delay_s: float, at: float) -> None:
        await self._clock.sleep(delay_s)
        if self._timers.get(item, (None,))[0] == at:
            del self._timers[item]
        self.add(item)
