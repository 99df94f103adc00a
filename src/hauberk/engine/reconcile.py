"""One reconcile: observe, plan, compare, write. The only place that carries out a controller's plan."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from hauberk.base.apierrors import AlreadyExists, ApiError, Conflict, Forbidden, Invalid, NotFound
from hauberk.base.refs import Json, Ref, controller_of, is_deleting, kind_of
from hauberk.base.times import rfc3339
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.engine.writes import Apply, ApplyStatus, Create, Delete, Patch, Write, writes
from hauberk.ports import Api, Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one reconcile led to."""

    parent: Json | None = None
    writes: int = 0
    revision: int = 0  # of the newest write; the next reconcile waits until the snapshot has it
    notes: tuple[Note, ...] = ()
    retry_after: float | None = None


def manager_of(controller: Controller[Any]) -> str:
    """The field manager of a controller."""
    return f"hauberk-{controller.name}"


def finalizer_of(controller: Controller[Any]) -> str:
    """The finalizer of a controller that has `finalize`."""
    return f"hauberk.dev/{controller.name}"


def owned_of(snapshot: Snapshot, parent: Json, kinds: Sequence[str]) -> list[Json]:
    """The objects of these kinds whose controller is the parent."""
    uid = parent["metadata"]["uid"]
    found = snapshot.owned_by(uid, kinds) if kinds else ()
    return [o for o in found if (controller_of(o) or {}).get("uid") == uid]


async def reconcile(controller: Controller[Any], api: Api, ref: Ref, *, now: float) -> Done:
    """Bring one object one step closer to its plan.

    Any exception may leave; stopping between two writes is safe, since the next run starts from a fresh
    snapshot with a new plan.
    """
    snapshot = api.snapshot()
    parent = snapshot.get(ref)
    if parent is None:  # owner references collect the children
        return Done()
    if is_deleting(parent) and not controller.while_deleting:
        return await _finalize(controller, api, snapshot, parent, ref, now)
    world = controller.observe(snapshot, ref)
    if world is None:
        return Done(parent=parent)
    if controller.finalize is not None and finalizer_of(controller) not in _finalizers(parent):
        stored = await api.patch(
            ref, _finalizer_patch(parent, [*_finalizers(parent), finalizer_of(controller)])
        )
        return Done(parent=parent, writes=1, revision=revision_of(stored), retry_after=0.0)
    log.debug("reconcile", extra={"controller": controller.name, "ref": ref})
    return await _carry_out(controller, api, snapshot, parent, controller.plan(world, now), now)


async def _finalize(
    controller: Controller[Any], api: Api, snapshot: Snapshot, parent: Json, ref: Ref, now: float
) -> Done:
    mine = finalizer_of(controller)
    if controller.finalize is None or mine not in _finalizers(parent):
        return Done()
    world = controller.observe(snapshot, ref)
    plan = Plan() if world is None else controller.finalize(world, now)
    done = await _carry_out(controller, api, snapshot, parent, plan, now)
    if plan.retry_after is not None:
        return done
    fresh = api.snapshot().get(ref)
    if fresh is not None and mine in _finalizers(fresh):
        await api.patch(ref, _finalizer_patch(fresh, [f for f in _finalizers(fresh) if f != mine]))
    return done


def _finalizers(obj: Json) -> list[str]:
    return list(obj["metadata"].get("finalizers") or ())


def _finalizer_patch(obj: Json, finalizers: list[str]) -> Json:
    """Guarded by the version, since a merge patch replaces the whole list."""
    version = obj["metadata"].get("resourceVersion")
    return {"metadata": {"finalizers": finalizers, "resourceVersion": version}}


def revision_of(obj: Json) -> int:
    """The revision of a stored object; 0 when it is not a number (a foreign API)."""
    text = str(obj["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdigit() else 0


async def _carry_out(
    controller: Controller[Any], api: Api, snapshot: Snapshot, parent: Json, plan: Plan, now: float
) -> Done:
    manager = manager_of(controller)
    todo = writes(
        plan,
        parent=parent,
        owned=owned_of(snapshot, parent, controller.owns),
        snapshot=snapshot,
        manager=manager,
        now=rfc3339(now),
    )
    stored: list[Json] = []
    for step in steps(todo):
        stored += await _together(api, step, manager)
    return Done(
        parent=parent,
        writes=len(todo),
        revision=max(map(revision_of, stored), default=0),
        notes=(*plan.notes, *_created(plan, stored)),
        retry_after=plan.retry_after,
    )


def _created(plan: Plan, stored: Sequence[Json]) -> list[Note]:
    """The plan's note of a creation, once for each object that was created."""
    note, kinds = plan.created, {kind_of(o) for o in plan.create}
    if note is None:
        return []
    names = [o["metadata"]["name"] for o in stored if kind_of(o) in kinds]
    return [replace(note, message=note.message.replace("{}", name)) for name in names]


def steps(todo: Sequence[Write]) -> list[list[Write]]:
    """Writes that may run at the same time: cluster-scoped objects, then the rest, then the status."""
    out: tuple[list[Write], list[Write], list[Write]] = ([], [], [])
    for write in todo:
        match write:
            case Apply(obj) if not obj["metadata"].get("namespace"):
                out[0].append(write)
            case ApplyStatus():
                out[2].append(write)
            case _:
                out[1].append(write)
    return [step for step in out if step]


class NotCreated(Exception):
    """The API refuses an object of `Plan.create`."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.message = error.message


async def _together(api: Api, step: Sequence[Write], manager: str) -> list[Json]:
    """All writes of a step, in one commit where the store groups them; returns what is stored now."""
    if len(step) == 1:
        results: Sequence[Json | BaseException | None] = [await _write(api, step[0], manager)]
    else:
        results = await asyncio.gather(*(_write(api, w, manager) for w in step), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [r for r in results if isinstance(r, Mapping)]


async def _write(api: Api, write: Write, manager: str) -> Json | None:
    match write:
        case Apply(obj):  # with its owner reference, if any
            return await api.apply(obj, manager=manager)
        case Create(obj):
            try:
                return await api.create(obj, manager=manager)
            except (Invalid, Forbidden) as error:
                raise NotCreated(error) from error
        case Patch(ref, patch):
            return await api.patch(ref, patch, manager=manager)
        case ApplyStatus(ref, status):
            return await api.apply_status(ref, status, manager=manager)
        case Delete(ref, uid):
            with suppress(NotFound, Conflict):  # gone already, or another object of that name
                await api.delete(ref, uid=uid)
    return None


EXPECTED = (Conflict, AlreadyExists, NotFound)
"""Errors of a write that only mean: look again."""
