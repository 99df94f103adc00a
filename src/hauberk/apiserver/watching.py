"""A watch as HTTP: newline-separated events, resumable, with bookmarks.

Source: apiserver pkg/endpoints/handlers/watch.go; KEP-3157 (sendInitialEvents).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hauberk.apiserver.target import Target
from hauberk.base.apierrors import Gone
from hauberk.base.refs import Json
from hauberk.ports import WatchEvent
from hauberk.store import Store
from hauberk.store.watch import Watch

BOOKMARK_S = 60.0
_INITIAL_END = "k8s.io/initial-events-end"

Render = Callable[[Json], Any]
"""From a stored object to what the client is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters of a watch."""

    since: int | None  # None or 0: begin with what there is
    initial: bool = False  # sendInitialEvents
    bookmarks: bool = False
    timeout_s: float | None = None
    matches: Callable[[Json], bool] | None = None  # selectors


class Matcher:
    """Turns changes of objects into changes of the selected set."""

    def __init__(
        self, target: Target, matches: Callable[[Json], bool] | None, known: Iterable[Json] | None
    ) -> None:
        self._target, self._matches = target, matches
        self._all_known = known is not None
        self._inside = {_key(o) for o in known or ()}

    def seen(self, event: WatchEvent) -> str | None:
        """The event type for this client, or None when the change is not theirs."""
        meta = event.obj["metadata"]
        if self._target.namespace and meta.get("namespace") != self._target.namespace:
            return None
        if self._matches is None:
            return event.type
        key = _key(event.obj)
        was_inside = key in self._inside or (not self._all_known and event.type != "ADDED")
        if event.type == "DELETED" or not self._matches(event.obj):
            self._inside.discard(key)
            return "DELETED" if was_inside else None
        known = key in self._inside
        self._inside.add(key)
        return event.type if known or not self._all_known else "ADDED"


def _key(obj: Json) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def line(type_: str, obj: Any) -> bytes:
    """One event as the client reads it."""
    return orjson.dumps({"type": type_, "object": obj}) + b"\n"


class HttpWatch:
    """One watch of one client."""

    def __init__(self, store: Store, target: Target, asked: Asked, render: Render) -> None:
        self._store, self._target, self._asked, self._render = store, target, asked, render
        # What there is and what changes are taken in one step, so nothing falls between.
        self._start = store.snapshot().revision
        from_now = not asked.since or asked.initial
        self._existing: Sequence[Json] = self._selected() if from_now else ()
        since = self._start if from_now else asked.since
        known = self._selected() if since == self._start else None
        self._matcher = Matcher(target, asked.matches, known)
        self._watch: Watch = store.watch([target.kind.id], since=since)
        self._revision = since or 0

    def _selected(self) -> Sequence[Json]:
        found = self._store.snapshot().list(self._target.kind.id, self._target.namespace or None)
        if self._asked.matches is None:
            return found
        return [o for o in found if self._asked.matches(o)]

    async def aclose(self) -> None:
        """End the watch; `lines` ends too."""
        await self._watch.aclose()

    async def lines(self) -> AsyncIterator[bytes]:
        """The body of the answer, piece by piece."""
        for obj in self._existing:
            yield line("ADDED", self._render(obj))
        if self._asked.initial:
            yield self._bookmark(initial_end=True)
        elif not self._existing:
            yield b""  # headers go out before the first event
        try:
            async for part in self._changes():
                yield part
        except Gone as error:
            yield line("ERROR", error.status())
        finally:
            await self._watch.aclose()

    async def _changes(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        # Jitter keeps many clients from coming back in the same moment.
        limit = self._asked.timeout_s or 1800 * (1 + random.random())
        end = loop.time() + limit
        while (left := end - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, BOOKMARK_S)):
                    batch = await anext(self._watch, None)
            except TimeoutError:
                if self._asked.bookmarks:
                    yield self._bookmark()
                continue
            if batch is None:
                return
            if part := self._encoded(batch):
                yield part

    def _encoded(self, batch: Sequence[WatchEvent]) -> bytes:
        parts = []
        for event in batch:
            type_ = self._matcher.seen(event)
            if type_ is not None:
                parts.append(line(type_, self._render(event.obj)))
        self._revision = batch[-1].revision
        return b"".join(parts)

    def _bookmark(self, *, initial_end: bool = False) -> bytes:
        # All changes up to here were handed out, of whatever kind the newest is.
        meta: dict[str, Any] = {"resourceVersion": str(max(self._revision, self._start))}
        if initial_end:
            meta["annotations"] = {_INITIAL_END: "true"}
        obj = {"kind": self._target.kind.name, "apiVersion": self._target.api_version, "metadata": meta}
        return line("BOOKMARK", obj)
