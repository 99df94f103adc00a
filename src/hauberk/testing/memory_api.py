"""An API in memory: revisions, watches, server-side apply, generations, finalizers, graceful pods.

It is ports.Api for tests of controllers. It defaults, admits and validates by the table of kinds as the real
server does, and answers with the same errors. It has no schema warnings, no subresources but `status` and
`finalize`, and does not keep the history that a real watch can resume from.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec

from hauberk.base.apierrors import AlreadyExists, Conflict, Invalid, NotFound
from hauberk.base.refs import Json, Ref, kind_of, ref_of
from hauberk.base.times import rfc3339
from hauberk.engine.writes import with_owner
from hauberk.kinds import BY_ID
from hauberk.ports import Clock, Snapshot, WatchEvent
from hauberk.ports_admission import Admission, Operation, Request
from hauberk.store.memory import Memory
from hauberk.testing.clock import FakeClock
from hauberk.testing.merge import applied, fields_of, merge_patch

Raw = dict[str, Any]
_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp")


class MemoryApi:
    """ports.Api without a server. `log` holds the verbs of all writes that changed something."""

    def __init__(self, clock: Clock | None = None, admission: Iterable[Admission] = ()) -> None:
        self.clock: Clock = clock or FakeClock()
        self.log: list[tuple[str, Ref]] = []
        self._memory = Memory()
        self._revision = 0
        self._ids = itertools.count(1)
        self._events: list[WatchEvent] = []
        self._changed = asyncio.Event()
        self._last: dict[tuple[Ref, str, str], Any] = {}
        self._admission = sorted(admission, key=lambda a: not a.mutates)

    def snapshot(self) -> Snapshot:
        """The current state."""
        return self._memory

    async def watch(
        self, kinds: Collection[str] | None = None, *, since: int | None = None
    ) -> AsyncIterator[Sequence[WatchEvent]]:
        """Changes after `since`, from the first one on."""
        position = self._revision if since is None else since
        while True:
            changed = self._changed
            batch = [e for e in self._events[position:] if kinds is None or kind_of(e.obj) in kinds]
            position = self._revision
            if batch:
                yield batch
            elif position == len(self._events):
                await changed.wait()

    def _commit(self, verb: str, ref: Ref, obj: Raw | None, last: Json | None) -> Raw:
        self._revision += 1
        state: Raw = obj if obj is not None else dict(last or {})
        state = {**state, "metadata": {**state["metadata"], "resourceVersion": str(self._revision)}}
        self._memory.apply(ref, state if obj is not None else None, self._revision)
        kind = "DELETED" if obj is None else "ADDED" if last is None else "MODIFIED"
        self._events.append(WatchEvent(kind, state, self._revision))  # type: ignore[arg-type]
        self.log.append((verb, ref))
        self._changed.set()
        self._changed = asyncio.Event()
        return state

    def seed(self, *objs: Json) -> None:
        """Put objects in place as they are, without admission."""
        for obj in objs:
            meta = {"uid": f"uid-{next(self._ids)}", "generation": 1, **obj["metadata"]}
            self._commit("seed", ref_of(obj), {**obj, "metadata": meta}, None)
        self.log.clear()

    async def create(self, obj: Json, *, manager: str = "hauberk") -> Json:
        """Store a new object."""
        await asyncio.sleep(0)
        raw: Raw = copy.deepcopy(dict(obj))
        meta = raw["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = f"{meta['generateName']}{next(self._ids):05d}"
        ref = ref_of(raw)
        if self._memory.get(ref) is not None:
            raise AlreadyExists(f'{ref.kind} "{ref.name}" already exists', ref=ref)
        return self._commit("create", ref, self._new(raw, manager), None)

    def _new(self, raw: Raw, manager: str) -> Raw:
        meta = raw["metadata"]
        meta["uid"] = f"uid-{next(self._ids)}"
        meta["creationTimestamp"] = rfc3339(self.clock.now())
        kind = BY_ID.get(kind_of(raw))
        if kind is None or kind.has_generation:
            meta["generation"] = 1
        return self._admit("CREATE", raw, None, manager, "")

    def _admit(self, operation: Operation, raw: Raw, old: Json | None, user: str, subresource: str) -> Raw:
        kind = BY_ID.get(kind_of(raw))
        if kind is not None and not subresource:
            raw = kind.default(raw)
        for row in self._admission:
            if kind_of(raw) in row.kinds and operation in row.operations:
                request = Request(
                    kind=kind_of(raw), operation=operation, obj=raw, old=old,
                    namespace=raw["metadata"].get("namespace", ""), subresource=subresource, user=user,
                    snapshot=self._memory, options={},
                )  # fmt: skip
                raw = row.admit(request).obj or raw
        if kind is not None and not subresource:
            try:
                errors = tuple(kind.validate(kind.parse(raw)))
            except msgspec.ValidationError as error:
                raise Invalid(str(error), ref=ref_of(raw)) from error
            if errors:
                text = "; ".join(map(str, errors))
                raise Invalid(
                    f'{kind.id} "{ref_of(raw).name}" is invalid: {text}', ref=ref_of(raw), causes=errors
                )
        return raw

    def _stored(self, ref: Ref) -> Json:
        found = self._memory.get(ref)
        if found is None:
            raise NotFound(f'{ref.kind} "{ref.name}" not found', ref=ref)
        return found

    async def _change(
        self, verb: str, ref: Ref, change: Callable[[Raw], Raw], manager: str, subresource: str = ""
    ) -> Json:
        await asyncio.sleep(0)
        old = self._stored(ref)
        new = change(copy.deepcopy(dict(old)))
        version = new["metadata"].get("resourceVersion")
        if version not in (None, old["metadata"]["resourceVersion"]):
            raise Conflict(f"the object {ref} has been modified", ref=ref)
        kept = {k: old["metadata"][k] for k in _OWN if k in old["metadata"] and k != "managedFields"}
        new = {**new, "metadata": {**new["metadata"], **kept}}
        if subresource == "status":
            new = {**old, "metadata": {**old["metadata"], **_managed(new)}, "status": new.get("status")}
        elif subresource == "":
            new = {**new, **({"status": old["status"]} if "status" in old else {})}
        new = self._admit("UPDATE", new, old, manager, subresource)
        if _content(new) == _content(old):
            return old
        self._bump(old, new)
        meta = new["metadata"]
        if meta.get("deletionTimestamp") and not meta.get("finalizers") and not _holds(new):
            return self._commit("delete", ref, None, new)
        return self._commit(verb, ref, new, old)

    def _bump(self, old: Json, new: Raw) -> None:
        generation = old["metadata"].get("generation")
        skip = ("metadata", "status")
        if generation and {k: v for k, v in old.items() if k not in skip} != {
            k: v for k, v in new.items() if k not in skip
        }:
            new["metadata"]["generation"] = generation + 1

    async def update(self, obj: Json, *, manager: str = "hauberk", subresource: str = "") -> Json:
        """Replace."""
        return await self._change(
            "update", ref_of(obj), lambda _: copy.deepcopy(dict(obj)), manager, subresource
        )

    async def patch(self, ref: Ref, patch: Json, *, manager: str = "hauberk", subresource: str = "") -> Json:
        """JSON merge patch."""

        def change(old: Raw) -> Raw:
            merged: Raw = merge_patch(old, patch)
            return merged

        return await self._change("patch", ref, change, manager, subresource)

    async def apply(self, obj: Json, *, manager: str, owner: Json | None = None) -> Json:
        """Server-side apply with force."""
        wanted: Raw = copy.deepcopy(dict(obj))
        if owner is not None:
            wanted = with_owner(wanted, owner)
        ref = ref_of(wanted)
        if self._memory.get(ref) is None:
            await asyncio.sleep(0)
            self._last[ref, manager, ""] = copy.deepcopy(wanted)
            new = self._new(_with_manager(copy.deepcopy(wanted), wanted, manager, ""), manager)
            return self._commit("apply", ref, new, None)

        def change(old: Raw) -> Raw:
            last = self._last.get((ref, manager, ""))
            self._last[ref, manager, ""] = copy.deepcopy(wanted)
            return _with_manager(applied(old, wanted, last), wanted, manager, "")

        return await self._change("apply", ref, change, manager)

    async def apply_status(self, ref: Ref, status: Json, *, manager: str) -> Json:
        """Server-side apply of the status."""
        wanted = {"status": copy.deepcopy(dict(status))}

        def change(old: Raw) -> Raw:
            last = self._last.get((ref, manager, "status"))
            self._last[ref, manager, "status"] = copy.deepcopy(wanted)
            return _with_manager(applied(old, wanted, last), wanted, manager, "status")

        return await self._change("apply_status", ref, change, manager, "status")

    async def delete(self, ref: Ref, *, grace_s: int | None = None, uid: str | None = None) -> None:
        """Begin deletion."""
        await asyncio.sleep(0)
        old = self._stored(ref)
        meta = old["metadata"]
        if uid is not None and meta["uid"] != uid:
            raise Conflict(f"uid of {ref} differs", ref=ref)
        marked = {**old, "metadata": {**meta, "deletionTimestamp": rfc3339(self.clock.now())}}
        graceful = ref.kind == "Pod" and grace_s != 0 and (old.get("spec") or {}).get("nodeName")
        if meta.get("finalizers") or graceful or _holds(old):
            if not meta.get("deletionTimestamp"):
                self._commit("delete", ref, marked, old)
            return
        self._commit("delete", ref, None, marked)


def _holds(obj: Json) -> bool:
    """A namespace stays until its content is gone."""
    return obj["kind"] == "Namespace" and bool((obj.get("spec") or {}).get("finalizers"))


def _content(obj: Json) -> Json:
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    return {**obj, "metadata": meta}


def _managed(obj: Json) -> Raw:
    found = obj["metadata"].get("managedFields")
    return {"managedFields": found} if found else {}


def _with_manager(obj: Raw, wanted: Raw, manager: str, subresource: str) -> Raw:
    """The object with the manager's entry in `managedFields`."""
    skip = ("apiVersion", "kind")
    fields = fields_of({k: v for k, v in wanted.items() if k not in skip})
    for own in ("f:name", "f:namespace"):
        fields.get("f:metadata", {}).pop(own, None)
    entry: Raw = {"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields}
    if subresource:
        entry["subresource"] = subresource
    others = [
        e
        for e in obj["metadata"].get("managedFields") or ()
        if (e["manager"], e.get("subresource", "")) != (manager, subresource)
    ]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": [*others, entry]}}
