"""Subscriptions to committed changes.

Guarantees: each subscriber sees the changes of its kinds once, in revision order, from the
revision it named; a slow subscriber costs bounded memory: past `BACKLOG` it is fed from the
log on disk, and told `Gone` when the log no longer reaches back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence

from hauberk.base.apierrors import Gone
from hauberk.base.refs import kind_of
from hauberk.ports import WatchEvent

BACKLOG = 4096
_CHUNK = 1000

Log = Callable[[int, int], Awaitable[Sequence[WatchEvent]]]
"""Changes after a revision, at most so many, from disk. Raises Gone."""


class Subscriber:
    """One watch. It is fed by the hub and read by one reader."""

    def __init__(self, kinds: Collection[str] | None, position: int, *, behind: bool) -> None:
        self.kinds = None if kinds is None else frozenset(kinds)
        self.position = position  # the last revision the reader has been given
        self.behind = behind  # changes after `position` are to be read from the log
        self.buffer: list[WatchEvent] = []
        self.wake = asyncio.Event()

    def push(self, event: WatchEvent) -> None:
        """Queue one change."""
        if self.behind:
            self.wake.set()
            return
        if len(self.buffer) >= BACKLOG:
            self.buffer.clear()
            self.behind = True
        else:
            self.buffer.append(event)
        self.wake.set()

    def wants(self, event: WatchEvent) -> bool:
        """Whether the change is of this watch's kinds."""
        return self.kinds is None or kind_of(event.obj) in self.kinds


class Hub:
    """All subscribers, by the kind they wait for."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._by_kind: dict[str | None, set[Subscriber]] = {}
        self._revision = 0
        self._closed = False

    def publish(self, changes: Iterable[tuple[str, WatchEvent]]) -> None:
        """Hand committed changes to the subscribers of their kinds, in revision order."""
        every = self._by_kind.get(None, ())
        for kind, event in changes:
            for subscriber in self._by_kind.get(kind, ()):
                subscriber.push(event)
            for subscriber in every:
                subscriber.push(event)
            self._revision = event.revision

    def start_at(self, revision: int) -> None:
        """Name the revision that is current before the first change."""
        self._revision = revision

    def close(self) -> None:
        """End every subscription."""
        self._closed = True
        for subscribers in self._by_kind.values():
            for subscriber in subscribers:
                subscriber.wake.set()

    def subscribe(self, kinds: Collection[str] | None, since: int | None) -> Subscriber:
        """Register a watch; it misses nothing from here on."""
        start = self._revision if since is None else since
        subscriber = Subscriber(kinds, start, behind=start < self._revision)
        for key in (None,) if kinds is None else tuple(kinds):
            self._by_kind.setdefault(key, set()).add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a watch."""
        for key in (None,) if subscriber.kinds is None else tuple(subscriber.kinds):
            self._by_kind.get(key, set()).discard(subscriber)

    @property
    def closed(self) -> bool:
        """Whether every subscription has ended."""
        return self._closed

    async def batch(self, subscriber: Subscriber) -> Sequence[WatchEvent]:
        """Wait for the next changes; may be empty. Raises Gone."""
        if subscriber.behind:
            return await self._catch_up(subscriber)
        if not subscriber.buffer:
            subscriber.wake.clear()
            await subscriber.wake.wait()
        if subscriber.behind:
            return ()
        batch, subscriber.buffer = subscriber.buffer, []
        # A resumed watch may name a revision that is still to come: skip what it has seen.
        fresh = [e for e in batch if e.revision > subscriber.position]
        if fresh:
            subscriber.position = fresh[-1].revision
        return fresh

    async def _catch_up(self, subscriber: Subscriber) -> Sequence[WatchEvent]:
        # Nothing is buffered meanwhile, so the order of log and live changes cannot mix.
        read = await self._log(subscriber.position, _CHUNK)
        if read:
            subscriber.position = read[-1].revision
        if subscriber.position >= self._revision:
            subscriber.behind = False
        return [event for event in read if subscriber.wants(event)]


class Watch(AsyncIterator[Sequence[WatchEvent]]):
    """One subscription as an iterator of batches. Cancelling a read loses nothing."""

    def __init__(self, hub: Hub, subscriber: Subscriber) -> None:
        self._hub, self._subscriber = hub, subscriber
        self._open = True

    async def __anext__(self) -> Sequence[WatchEvent]:
        while self._open and not self._hub.closed:
            try:
                batch = await self._hub.batch(self._subscriber)
            except Gone:
                await self.aclose()
                raise
            if batch:
                return batch
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the subscription. A read that is waiting ends too."""
        self._open = False
        self._hub.unsubscribe(self._subscriber)
        self._subscriber.wake.set()

    def __del__(self) -> None:
        self._hub.unsubscribe(self._subscriber)


def gone(revision: int, compacted: int) -> Gone:
    """The log no longer reaches back to that revision."""
    return Gone(f"too old resource version: {revision} ({compacted})")
