"""Revisioned objects: decided in memory, durable before they are seen.

Guarantees: one counter orders all writes; a write is decided against every earlier write,
committed or on its way, so no update is lost; it becomes visible to readers and watchers
only after its transaction committed; an awaited write survives `kill -9` and, unless the
store is ephemeral, the loss of power.
"""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import orjson

from hauberk.base.apierrors import ApiError
from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref
from hauberk.ports import WatchEvent
from hauberk.store.disk import Disk, Row, unusable
from hauberk.store.history import History
from hauberk.store.memory import Memory
from hauberk.store.shared import Shared
from hauberk.store.watch import Hub, Watch, gone
from hauberk.store.writer import Job, Writer

KEPT = 10_000

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


class StorageFull(ApiError):
    """The disk is full: nothing of the write is kept."""

    code, reason = 507, "InsufficientStorage"


class StorageFailed(ApiError):
    """The disk refused the write: nothing of it is kept."""

    code, reason = 500, "InternalError"


class Store:
    """All objects of one cluster. Use it from one event loop."""

    def __init__(self, path: Path, *, ephemeral: bool, kept: int, key: Path | None) -> None:
        self._disk, self._key = Disk(path, ephemeral=ephemeral, key=key), key
        self._memory = Memory()
        self._shared = Shared()
        self._hub = Hub(self._read_log)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._epoch = 0
        self._pending: dict[Ref, tuple[int, Json | None]] = {}  # last write on its way, by object
        self._waiting: dict[int, tuple[Row, Json, asyncio.Future[Json]]] = {}
        self._reader: Disk | None = None
        self._reader_lock = threading.Lock()
        self._last = self._load()
        self._history = History(self._last)
        self._writer = Writer(self._disk, self._report, keep=kept, compacted=self._disk.compacted())

    @classmethod
    def open(cls, path: Path, ephemeral: bool = False, *, kept: int = KEPT, key: Path | None = None) -> Store:
        """Open or create the store. Blocks while it loads. Raises Problem.

        Args:
            path: the database file; created with mode 0600.
            ephemeral: do not wait for the disk; a crash of the machine may lose or spoil it.
            kept: how many changes the log holds for watches to resume from.
            key: the file of the key that Secrets are sealed with on the disk; made when there is none yet.
        """
        return cls(path, ephemeral=ephemeral, kept=kept, key=key)

    def _load(self) -> int:
        try:
            revision = self._disk.revision()
            for ref, body in self._disk.objects():
                self._memory.apply(ref, self._shared.with_shared_fields(orjson.loads(body)), 0)
        except (sqlite3.DatabaseError, ValueError) as error:
            self._disk.close()
            raise unusable(self._disk.path, error) from error
        except Problem:
            self._disk.close()
            raise
        self._memory.start_at(revision)
        self._hub.start_at(revision)
        return revision

    def snapshot(self) -> Memory:
        """The committed state."""
        return self._memory

    def latest(self, ref: Ref) -> Json | None:
        """The object after every write so far, committed or not: what the next write is decided upon."""
        found = self._pending.get(ref)
        return found[1] if found is not None else self._memory.get(ref)

    def latest_is_pending(self, ref: Ref) -> bool:
        """Whether a write of this object has not been committed yet."""
        return ref in self._pending

    async def settled(self, ref: Ref) -> None:
        """Wait until no write of this object is on its way."""
        while (found := self._pending.get(ref)) is not None:
            await asyncio.wait([self._waiting[found[0]][2]])

    def write(self, type: EventType, ref: Ref, obj: dict[str, Any]) -> asyncio.Future[Json]:  # noqa: A002
        """Order one write now; the future is done when it is committed.

        `obj` is the state after the write (DELETED: the last state). Its resourceVersion is
        set here; the store keeps the object, so do not change it afterwards.
        The future raises StorageFull or StorageFailed.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._last += 1
        self._shared.with_shared_fields(obj)["metadata"]["resourceVersion"] = str(self._last)
        row = Row(self._last, type, ref, orjson.dumps(obj))
        done: asyncio.Future[Json] = loop.create_future()
        self._waiting[row.revision] = (row, obj, done)
        self._pending[ref] = (row.revision, None if type == "DELETED" else obj)
        self._writer.submit(Job(self._epoch, row))
        return done

    def _report(self, batch: Sequence[Job], error: Exception | None) -> None:
        assert self._loop is not None, "a write was submitted from a loop"
        try:
            self._loop.call_soon_threadsafe(self._finish, batch, error)
        except RuntimeError:
            return  # the loop is closed: nobody waits

    def _finish(self, batch: Sequence[Job], error: Exception | None) -> None:
        if error is not None:
            self._fail(error)
            return
        changes: list[tuple[str, WatchEvent]] = []
        futures: list[tuple[asyncio.Future[Json], Json]] = []
        for job in batch:
            row, obj, done = self._waiting.pop(job.row.revision)
            old = self._memory.apply(row.ref, None if row.type == "DELETED" else obj, row.revision)
            self._history.note(row.revision, row.ref, old, len(row.body))
            if self._pending.get(row.ref, (0,))[0] == row.revision:
                del self._pending[row.ref]
            changes.append((row.ref.kind, WatchEvent(_event_type(row.type), obj, row.revision, old)))
            futures.append((done, obj))
        self._hub.publish(changes)
        for done, obj in futures:
            if not done.done():
                done.set_result(obj)

    def _fail(self, error: Exception) -> None:
        # All that is on its way was decided upon the lost state; the writer drops it as well.
        self._epoch += 1
        waiting, self._waiting = self._waiting, {}
        self._pending.clear()
        for _, _, done in waiting.values():
            if not done.done():
                done.set_exception(_storage_error(error))
                done.exception()  # a writer that was cancelled does not ask

    def list_at(self, kind: str, namespace: str | None, revision: int) -> Sequence[Json] | None:
        """Objects of a kind as they were at a revision; None when it is too long ago, or still to come."""
        now = self._memory.list(kind, namespace)
        if revision > self._memory.revision:
            return None
        changed = self._history.before(kind, revision)
        if changed is None:
            return None
        if not changed:
            return now
        kept = [o for o in now if place_of(o) not in changed]
        back = [o for at, o in changed.items() if o is not None and namespace in (None, at[0])]
        return sorted([*kept, *back], key=place_of)

    def watch(
        self, kinds: Collection[str] | None = None, *, since: int | None = None, namespace: str = ""
    ) -> Watch:
        """Changes of these kinds after a revision (None: now), in batches; subscribed on return.

        With a namespace, only changes in it.

        Raises Gone when the log does not reach back, at the first read at the latest.
        """
        if since is not None and since < self._writer.compacted:
            raise gone(since, self._writer.compacted)
        return Watch(self._hub, self._hub.subscribe(kinds, since, namespace))

    async def _read_log(self, after: int, limit: int) -> Sequence[WatchEvent]:
        rows = await asyncio.to_thread(self._log_rows, after, limit)
        return [
            WatchEvent(
                _event_type(r.type), orjson.loads(r.body), r.revision, orjson.loads(old) if old else None
            )
            for r, old in rows
        ]

    def _log_rows(self, after: int, limit: int) -> list[tuple[Row, bytes | None]]:
        with self._reader_lock:
            if self._reader is None:
                self._reader = Disk(self._disk.path, ephemeral=True, key=self._key)
            rows = self._reader.log_after(after, limit)
            if after < self._reader.compacted():
                raise gone(after, self._reader.compacted())
            return rows

    async def close(self) -> None:
        """Commit what is queued, end the watches and close the file."""
        await asyncio.to_thread(self._writer.stop)
        await asyncio.sleep(0)  # let the last reports be handled
        self._hub.close()
        with self._reader_lock:
            if self._reader is not None:
                self._reader.close()
        self._disk.close()


def place_of(obj: Json) -> tuple[str, str]:
    """Namespace and name: what lists are ordered by."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _event_type(text: str) -> EventType:
    match text:
        case "ADDED" | "MODIFIED" | "DELETED":
            return text
        case _:
            raise ValueError(f"not an event type: {text}")


def _storage_error(error: Exception) -> ApiError:
    full = isinstance(error, sqlite3.OperationalError) and "full" in str(error)
    if full or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return StorageFull(
            "the disk that holds the cluster's state is full: nothing of this write is stored;"
            " free space and repeat it"
        )
    return StorageFailed(f"the cluster's state cannot be written: {error}")
