"""The loop of all controllers: one watch, one queue, N workers.

An object is looked at when it, one of its children or (`wakes`) something it depends on changes, at the
start, and when its plan asked for it. Errors of one object never stop others: it is tried again after a
growing delay.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from hauberk.base.apierrors import ApiError, Conflict
from hauberk.base.refs import Json, Ref, kind_of, ref_of
from hauberk.engine.follow import follow
from hauberk.engine.plan import Controller, Note
from hauberk.engine.queue import WorkQueue
from hauberk.engine.reconcile import EXPECTED, Done, NotCreated, reconcile
from hauberk.kinds import BY_ID
from hauberk.ports import Api, Clock, Recorder, Snapshot, WatchEvent

log = logging.getLogger(__name__)

Item = tuple[str, Ref]
"""Controller name and object."""

WORKERS = 16
_REMEMBERED = 4096


class Engine:
    """Runs controllers against an API."""

    def __init__(
        self,
        api: Api,
        controllers: Sequence[Controller[Any]],
        clock: Clock,
        recorder: Recorder,
        *,
        workers: int = WORKERS,
    ) -> None:
        self._api, self._clock, self._recorder = api, clock, recorder
        self._controllers = {c.name: c for c in controllers}
        assert len(self._controllers) == len(controllers), "controller names are unique"
        self._workers = workers
        self._by_kind: dict[str, list[Controller[Any]]] = defaultdict(list)
        self._by_child: dict[str, list[Controller[Any]]] = defaultdict(list)
        self._by_wake: dict[str, list[Controller[Any]]] = defaultdict(list)
        for controller in controllers:
            self._by_kind[controller.kind].append(controller)
            for kind in controller.owns:
                self._by_child[kind].append(controller)
            for kind in controller.wakes:
                self._by_wake[kind].append(controller)
        self.queue: WorkQueue[Item] = WorkQueue(clock)
        self._notes: dict[Item, tuple[Note, ...]] = {}
        self._barrier: dict[Item, int] = {}
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def kinds(self) -> Collection[str]:
        """The kinds whose changes wake a controller."""
        return {*self._by_kind, *self._by_child, *self._by_wake}

    def wake(self, controller: str, ref: Ref) -> None:
        """Look at an object again, for instance because a fact from outside the API changed."""
        self.queue.add((controller, ref))

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for _ in range(self._workers):
                tasks.create_task(self._work(tasks))
            tasks.create_task(follow(self._api, self.kinds, self._begin, self.notice))

    def _begin(self, snapshot: Snapshot) -> None:
        """Look at everything that is there."""
        for kind, controllers in self._by_kind.items():
            for obj in snapshot.list(kind):
                for controller in controllers:
                    self.queue.add((controller.name, ref_of(obj)))

    def notice(self, event: WatchEvent) -> None:
        """Wake whoever the change concerns."""
        obj = event.obj
        kind = kind_of(obj)
        ref = ref_of(obj)
        for controller in self._by_kind.get(kind, ()):
            item = (controller.name, ref)
            self.queue.add(item)
            if event.type == "DELETED":
                self._notes.pop(item, None)
                self._barrier.pop(item, None)
        for controller in self._by_child.get(kind, ()):
            for owner in owners(obj, controller.kind):
                self.queue.add((controller.name, owner))
        if kind in self._by_wake:
            self._wake_by(kind, obj)

    def _wake_by(self, kind: str, obj: Json) -> None:
        snapshot = self._api.snapshot()
        for controller in self._by_wake[kind]:
            try:
                for ref in controller.wakes[kind](obj, snapshot):
                    self.queue.add((controller.name, ref))
            except Exception:
                log.exception("wake failed", extra={"controller": controller.name, "ref": str(ref_of(obj))})

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            item = await self.queue.take()
            started = self._clock.monotonic()
            try:
                await self._one(item, tasks)
            finally:
                took = self._clock.monotonic() - started
                self.queue.counters.work_s += took
                self.queue.counters.longest_s = max(self.queue.counters.longest_s, took)
                self.queue.done(item)

    async def _one(self, item: Item, tasks: asyncio.TaskGroup) -> None:
        name, ref = item
        controller = self._controllers[name]
        if self._api.snapshot().revision < self._barrier.get(item, 0):
            self.queue.add_after(item, 0.005, tasks)  # our own last write is not in the cache yet
            return
        try:
            done = await reconcile(controller, self._api, ref, now=self._clock.now())
        except Exception as error:
            self._failed(item, error, tasks)
            return
        self.queue.forget(item)
        self._finished(item, done, tasks)

    def _finished(self, item: Item, done: Done, tasks: asyncio.TaskGroup) -> None:
        if done.revision:
            self._barrier[item] = done.revision
        if done.parent is not None:
            known = self._notes.get(item, ())
            for note in done.notes:
                if note not in known:
                    self._note(item, done.parent, note)
            self._remember(item, done.notes)
        if done.retry_after is not None:
            self.queue.add_after(item, done.retry_after, tasks)

    def _note(self, item: Item, parent: Json, note: Note) -> None:
        self._recorder.event(
            parent, note.reason, note.message, type=note.type, component=f"{item[0]}-controller"
        )

    def _remember(self, item: Item, notes: tuple[Note, ...]) -> None:
        self._notes.pop(item, None)
        if notes:
            self._notes[item] = notes
            if len(self._notes) > _REMEMBERED:
                self._notes.pop(next(iter(self._notes)))

    def _failed(self, item: Item, error: Exception, tasks: asyncio.TaskGroup) -> None:
        """Try again later; tell the first time, and at debug every time."""
        delay = self.queue.fail(item)
        self.queue.add_after(item, delay, tasks)
        name, ref = item
        detail = {"controller": name, "ref": str(ref), "delay_s": delay, "error": str(error)}
        if isinstance(error, EXPECTED) and self.queue.failures(item) <= _PATIENCE:
            log.debug("reconcile is repeated", extra=detail)
            return
        if self.queue.failures(item) in (1, _PATIENCE + 1):
            log.warning("reconcile failed: %s %s: %s", name, ref, error, extra=detail, exc_info=error)
            parent, note = self._api.snapshot().get(ref), note_of(error)
            if parent is not None and note is not None:
                self._note(item, parent, note)
        else:
            log.debug("reconcile failed again", extra=detail)


def note_of(error: Exception) -> Note | None:
    """What the object's author is told of a failed reconcile; None for what is not theirs to mend."""
    if isinstance(error, NotCreated):
        return Note("FailedCreate", f"Error creating: {error.message}", "Warning")
    if isinstance(error, ApiError) and not isinstance(error, Conflict):
        return Note("InternalError", error.message, "Warning")
    return None


_PATIENCE = 5
"""So many conflicts in a row are the ordinary life of optimistic writes."""


def owners(obj: Json, kind: str) -> Iterable[Ref]:
    """The owners of a kind that an object names.

    The reference does not say whether the owner has a namespace: the table of kinds does; for a kind that is
    not in it both names are woken, and the one that does not exist costs nothing.
    """
    meta = obj["metadata"]
    known = BY_ID.get(kind)
    namespace = meta.get("namespace", "")
    for owner in meta.get("ownerReferences") or ():
        if kind_of(owner) == kind:
            if known is None or known.namespaced:
                yield Ref(kind, namespace, owner["name"])
            if known is None or not known.namespaced:
                yield Ref(kind, "", owner["name"])


async def settle(engine: Engine, clock: Clock, *, quiet_s: float = 0.02) -> None:
    """Wait until the queue has been idle for a while. For tests and the demo's steps."""
    calm = clock.monotonic()
    with suppress(asyncio.CancelledError):
        while clock.monotonic() - calm < quiet_s:
            await asyncio.sleep(0.001)
            if not engine.queue.idle:
                calm = clock.monotonic()
