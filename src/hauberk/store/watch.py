"""Subscriptions to committed changes.

Guarantees: each subscriber sees the changes of its kinds (and namespace) once, in revision order, from the
revision it named; a slow subscriber costs bounded memory: past `BACKLOG` it is fed from the log on disk, and
told `Gone` when the log no longer reaches back.
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

    __slots__ = ("_waiter", "behind", "buffer", "kinds", "namespace", "position")

    def __init__(
        self, kinds: Collection[str] | None, position: int, *, behind: bool, namespace: str = ""
    ) -> None:
        self.kinds = None if kinds is None else frozenset(kinds)
        self.namespace = namespace  # empty: all
        self.position = position  # the last revision the reader has been given
        self.behind = behind  # changes after `position` are to be read from the log
        self.buffer: list[WatchEvent] = []
        self._waiter: asyncio.Future[None] | None = None

    def push(self, event: WatchEvent) -> None:
        """Queue one change."""
        if not self.behind:
            if len(self.buffer) >= BACKLOG:
                self.buffer.clear()
                self.behind = True
            else:
                self.buffer.append(event)
        if self._waiter is not None:
            self.wake()

    def wake(self) -> None:
        """Let a waiting reader look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait(self) -> None:
        """Wait for `wake`."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wants(self, event: WatchEvent) -> bool:
        """Whether the change is of this watch's kinds and namespace."""
        if self.kinds is not None and kind_of(event.obj) not in self.kinds:
            return False
        return not self.namespace or event.obj["metadata"].get("namespace") == self.namespace


class Hub:
    """All subscribers, by the kind (and the namespace, if only one) that they wait for."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._by_kind: dict[tuple[str | None, str], set[Subscriber]] = {}
        self._revision = 0
        self._closed = False

    def publish(self, changes: Iterable[tuple[str, WatchEvent]]) -> None:
        """Hand committed changes to the subscribers of their kinds, in revision order."""
        for kind, event in changes:
            namespace = event.obj["metadata"].get("namespace", "")
            places = {(kind, ""), (kind, namespace), (None, ""), (None, namespace)}
            for place in places & self._by_kind.keys():
                for subscriber in tuple(self._by_kind[place]):  # collecting garbage may unsubscribe one
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
                subscriber.wake()

    def subscribe(self, kinds: Collection[str] | None, since: int | None, namespace: str = "") -> Subscriber:
        """Register a watch; it misses nothing from here on."""
        start = self._revision if since is None else since
        subscriber = Subscriber(kinds, start, behind=start < self._revision, namespace=namespace)
        for key in _places(subscriber):
            self._by_kind.setdefault(key, set()).add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a watch."""
        for key in _places(subscriber):
            left = self._by_kind.get(key, set())
            left.discard(subscriber)
            if not left:
                self._by_kind.pop(key, None)

    @property
    def closed(self) -> bool:
        """Whether every subscription has ended."""
        return self._closed

    def reached(self, subscriber: Subscriber) -> int:
        """The revision up to which the reader has been given every change."""
        level = not subscriber.behind and not subscriber.buffer
        return max(self._revision, subscriber.position) if level else subscriber.position

    async def batch(self, subscriber: Subscriber) -> Sequence[WatchEvent]:
        """Wait for the next changes, or for `wake`; may be empty. Raises Gone."""
        if subscriber.behind:
            return await self._catch_up(subscriber)
        if not subscriber.buffer:
            await subscriber.wait()
        if subscriber.behind:
            return ()
        batch, subscriber.buffer = subscriber.buffer, []
        # A resumed watch may name a revision that is still to come: skip what it has seen.
        if batch and batch[0].revision <= subscriber.position:
            batch = [e for e in batch if e.revision > subscriber.position]
        if batch:
            subscriber.position = batch[-1].revision
        return batch

    async def _catch_up(self, subscriber: Subscriber) -> Sequence[WatchEvent]:
        # Nothing is buffered meanwhile, so the order of log and live changes cannot mix.
        read = await self._log(subscriber.position, _CHUNK)
        if read:
            subscriber.position = read[-1].revision
        if subscriber.position >= self._revision:
            subscriber.behind = False
        return [event for event in read if subscriber.wants(event)]


def _places(subscriber: Subscriber) -> list[tuple[str | None, str]]:
    kinds = (None,) if subscriber.kinds is None else tuple(subscriber.kinds)
    return [(kind, subscriber.namespace) for kind in kinds]


class Watch(AsyncIterator[Sequence[WatchEvent]]):
    """One subscription as an iterator of batches. Cancelling a read loses nothing."""

    def __init__(self, hub: Hub, subscriber: Subscriber) -> None:
        self._hub, self._subscriber = hub, subscriber
        self._open = True

    @property
    def revision(self) -> int:
        """The revision up to which the reader has been given every change it asked for."""
        return self._hub.reached(self._subscriber)

    async def __anext__(self) -> Sequence[WatchEvent]:
        while (batch := await self.read()) is not None:
            if batch:
                return batch
        raise StopAsyncIteration

    async def read(self) -> Sequence[WatchEvent] | None:
        """The next changes; empty after a `poke`, None when the watch has ended. Raises Gone."""
        if not self._open or self._hub.closed:
            return None
        try:
            return await self._hub.batch(self._subscriber)
        except Gone:
            await self.aclose()
            raise

    def poke(self) -> None:
        """Let a waiting `read` return at once."""
        self._subscriber.wake()

    async def aclose(self) -> None:
        """End the subscription. A read that is waiting ends too."""
        self._open = False
        self._hub.unsubscribe(self._subscriber)
        self._subscriber.wake()

    def __del__(self) -> None:
        self._hub.unsubscribe(self._subscriber)


def gone(revision: int, compacted: int) -> Gone:
    """The log no longer reaches back to that revision."""
    return Gone(f"too old resource version: {revision} ({compacted})")
