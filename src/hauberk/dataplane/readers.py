"""The subscribers of a channel: what waits for each, how much is under way at once, in which order.

What waits is on disk; only the first of a queue are kept in memory too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from hauberk.dataplane.courier import NAMESPACE_HEADER, Courier, Outcome
from hauberk.dataplane.log import Entry, Log
from hauberk.dataplane.losses import Losses
from hauberk.dataplane.messages import HeaderList
from hauberk.events.contract import Egress
from hauberk.events.event import Event
from hauberk.events.filters import Filter

log = logging.getLogger(__name__)

WINDOW = 256  # deliveries of one subscriber under way at once
_NARROW = 8  # the same, while the process as a whole has more than BUSY of them
BUSY = 8192
_IN_MEMORY = 512  # events of one queue kept in memory; the others are read when their turn comes


class Item(msgspec.Struct):
    """One delivery: an event, or where it can be read."""

    event: Event | None
    headers: HeaderList
    log: Log | None = None
    entry: Entry | None = None
    losses: Losses | None = None

    def load(self) -> tuple[Event, HeaderList]:
        """The event and its headers. ValueError when the disk has damaged it."""
        if self.event is not None:
            return self.event, self.headers
        assert self.log is not None, "what is not in memory is in a log"
        assert self.entry is not None, "what is in a log has a place there"
        body = self.log.read(self.entry)
        return Event(body.attributes, body.data), body.headers

    def settle(self) -> None:
        """The delivery has ended."""
        if self.log is not None and self.entry is not None:
            self.log.done(self.entry)
        elif self.losses is not None:
            self.losses.end()


class Crowd:
    """All readers of the process: how many deliveries are under way, and who hears how each ended."""

    def __init__(self, report: Callable[[Egress, Event, Outcome, float], None]) -> None:
        self.under_way = 0
        self.report = report

    @property
    def window(self) -> int:
        """How many a subscriber may have."""
        return WINDOW if self.under_way < BUSY else _NARROW


class Reader:
    """One subscriber: its queue and its deliveries."""

    def __init__(
        self,
        egress: Egress,
        passes: Filter,
        courier: Courier,
        tasks: asyncio.TaskGroup,
        crowd: Crowd,
    ) -> None:
        self.egress, self.passes = egress, passes
        self._courier, self._tasks, self._crowd = courier, tasks, crowd
        self.queue: deque[Item] = deque()
        self.under_way: dict[asyncio.Task[None], Item] = {}
        self._stopped = False

    def put(self, item: Item) -> None:
        """One more event for this subscriber."""
        if item.entry is not None and len(self.queue) >= _IN_MEMORY:
            item.event = None
        self.queue.append(item)
        self.pump()

    def put_first(self, items: Sequence[Item]) -> None:
        """Events from before those that wait now."""
        self.queue.extendleft(reversed(items))
        self.pump()

    def pump(self) -> None:
        """Start what may start."""
        window = 1 if self.egress.ordered else self._crowd.window
        while self.queue and len(self.under_way) < window and not self._stopped:
            item = self.queue.popleft()
            task = self._tasks.create_task(self._deliver(item))
            self.under_way[task] = item
            self._crowd.under_way += 1
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.under_way.pop(task, None)
        self._crowd.under_way -= 1
        self.pump()

    async def _deliver(self, item: Item) -> None:
        try:
            event, headers = item.load()
        except ValueError as error:
            log.error("an event for %s/%s cannot be read: %s", self.egress.namespace, self.egress.name, error)
            item.settle()
            return
        start = time.monotonic()
        headers = [*headers, (NAMESPACE_HEADER, self.egress.namespace)]
        outcome = await self._courier.deliver(event, self.egress, headers)
        item.settle()
        self._crowd.report(self.egress, event, outcome, time.monotonic() - start)

    def finish(self) -> None:
        """Start nothing more of what is on disk; what is only in memory goes out still."""
        if all(item.entry is not None for item in self.queue):
            self._stopped = True

    def stop(self) -> None:
        """Start nothing more, and leave off what is under way: it is begun anew by a successor."""
        self._stopped = True
        for task in list(self.under_way):
            task.cancel()

    def forget(self) -> None:
        """The subscriber is gone: what waits for it is dropped, what is under way is left off."""
        self._stopped = True
        for item in (*self.queue, *self.under_way.values()):
            item.settle()
        self.queue.clear()
        for task in list(self.under_way):
            task.cancel()
