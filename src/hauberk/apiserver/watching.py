"""A watch as HTTP: newline-separated events, resumable, with bookmarks.

Source: apiserver pkg/endpoints/handlers/watch.go; pkg/storage/cacher/cacher.go, convertToWatchEvent;
KEP-3157 (sendInitialEvents).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import orjson

from hauberk.apiserver.options import ListOptions, too_large
from hauberk.apiserver.target import Target
from hauberk.base.apierrors import Gone
from hauberk.base.refs import Json
from hauberk.ports import WatchEvent
from hauberk.store import Store

BOOKMARK_S = 60.0
_INITIAL_END = "k8s.io/initial-events-end"
_CHUNK = 256  # initial events per piece of the answer
_ROOM_BYTES = 8 * 1024 * 1024

Test = Callable[[Json], bool]
Render = Callable[[Json], Any]
"""From a stored object to what the client is sent."""


def seen(event: WatchEvent, matches: Test | None) -> tuple[str, Json] | None:
    """A change as a watch with these selectors sees it: of the selected set. None: it does not.

    | before   | after    | is told                               |
    |----------|----------|---------------------------------------|
    | selected | selected | as it is                              |
    | not      | selected | ADDED                                 |
    | selected | not      | DELETED, the object as it was before  |
    | unknown  | selected | as it is                              |
    | unknown  | not      | DELETED: the client may have known it |
    """
    if matches is None:
        return event.type, event.obj
    if event.type == "DELETED":
        return (event.type, event.obj) if matches(event.old or event.obj) else None
    known = event.old is not None or event.type == "ADDED"
    before = event.old is not None and matches(event.old)
    if matches(event.obj):
        return ("ADDED" if known and not before else event.type), event.obj
    if before or not known:
        last = event.old or event.obj
        return "DELETED", {**last, "metadata": {**last["metadata"], "resourceVersion": str(event.revision)}}
    return None


def line(type_: str, obj: Any) -> bytes:
    """One event as the client reads it."""
    return orjson.dumps({"type": type_, "object": obj}) + b"\n"


class Lines:
    """Events as they were encoded for the first watch that was told of them, for the others to reuse."""

    def __init__(self, room_bytes: int = _ROOM_BYTES) -> None:
        self._room, self._used = room_bytes, 0
        self._known: dict[tuple[int, str, str], bytes] = {}

    def line(self, revision: int, type_: str, form: str, make: Callable[[], Any]) -> bytes:
        """The line of a change in a form; `make` gives the object when it is the first."""
        key = (revision, type_, form)
        found = self._known.get(key)
        if found is None:
            found = line(type_, make())
            self._used += len(found)
            if self._used > self._room:
                self._known.clear()
                self._used = len(found)
            self._known[key] = found
        return found


class HttpWatch:
    """One watch of one client."""

    def __init__(
        self,
        store: Store,
        target: Target,
        asked: ListOptions,
        matches: Test | None,
        render: Render,
        lines: Lines,
        form: str | None,
    ) -> None:
        """`form` names what `render` makes, when it makes the same for every watch of that name. Timeout."""
        self._target, self._asked, self._matches, self._render = target, asked, matches, render
        self._lines, self._form = lines, form
        current = store.snapshot().revision
        if asked.initial and asked.revision and asked.revision > current:
            raise too_large(asked.revision, current)
        # What there is and what changes are taken in one step, so nothing falls between.
        from_now = not asked.revision or bool(asked.initial)
        found = store.snapshot().list(target.kind.id, target.namespace or None)
        self._existing = found if from_now and asked.initial is not False else ()
        self._gone: Gone | None = None
        since = current if from_now else asked.revision
        try:
            self._watch = store.watch([target.kind.id], since=since, namespace=target.namespace)
        except Gone as error:  # told in the stream, as upstream does
            self._gone = error
            self._watch = store.watch([target.kind.id], namespace=target.namespace)
        self._over = self._due = False

    async def aclose(self) -> None:
        """End the watch; `lines` ends too."""
        await self._watch.aclose()

    async def lines(self) -> AsyncIterator[bytes]:
        """The body of the answer, piece by piece."""
        timers = self._timers()
        try:
            if self._gone is not None:
                raise self._gone
            yield b""  # headers go out before the first event
            for part in self._initial():
                yield part
            while not self._over and (batch := await self._watch.read()) is not None:
                if batch and (part := self._encoded(batch)):
                    yield part
                if self._due:
                    self._due = False
                    yield self._bookmark()
            if self._over and self._asked.bookmarks:
                yield self._bookmark()  # where to resume, although nothing may have changed
        except Gone as error:
            yield line("ERROR", error.status())
        finally:
            for timer in timers:
                timer.cancel()
            await self._watch.aclose()

    def _timers(self) -> list[Timer]:
        # Jitter keeps many clients from coming back in the same moment.
        timers = [Timer(self._asked.timeout_s or 1800 * (1 + random.random()), self._end)]
        return [*timers, Timer(BOOKMARK_S, self._remind)] if self._asked.bookmarks else timers

    def _end(self) -> None:
        self._over = True
        self._watch.poke()

    def _remind(self) -> None:
        self._due = True
        self._watch.poke()

    def _initial(self) -> Iterator[bytes]:
        found = [o for o in self._existing if self._matches is None or self._matches(o)]
        self._existing = ()
        for at in range(0, len(found), _CHUNK):
            yield b"".join(line("ADDED", self._render(o)) for o in found[at : at + _CHUNK])
        if self._asked.initial and self._asked.bookmarks:
            yield self._bookmark(initial_end=True)

    def _encoded(self, batch: Sequence[WatchEvent]) -> bytes:
        parts = []
        for event in batch:
            told = seen(event, self._matches)
            if told is None:
                continue
            type_, obj = told
            if self._form is None:
                parts.append(line(type_, self._render(obj)))
            else:
                parts.append(self._shared(event.revision, type_, obj, self._form))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _shared(self, revision: int, type_: str, obj: Json, form: str) -> bytes:
        return self._lines.line(revision, type_, form, lambda: self._render(obj))

    def _bookmark(self, *, initial_end: bool = False) -> bytes:
        meta: dict[str, Any] = {"resourceVersion": str(self._watch.revision), "creationTimestamp": None}
        if initial_end:
            meta["annotations"] = {_INITIAL_END: "true"}
        kind = {"kind": self._target.kind.name, "apiVersion": self._target.api_version}
        shown = self._render({**kind, "metadata": meta})
        if isinstance(shown, dict) and shown.get("kind") == "Table":
            shown = {**shown, "rows": []}
        return line("BOOKMARK", shown)


class Timer:
    """Calls again and again until it is cancelled."""

    def __init__(self, every_s: float, call: Callable[[], None]) -> None:
        self._every_s, self._call = every_s, call
        self._handle = asyncio.get_running_loop().call_later(every_s, self._fire)

    def _fire(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._every_s, self._fire)
        self._call()

    def cancel(self) -> None:
        """Call no more."""
        self._handle.cancel()
