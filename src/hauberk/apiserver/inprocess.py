"""`hauberk.ports.Api` for the rooms of this process: the pipeline without HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from hauberk.apiserver import patches, refuse
from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.deletion import Deletion
from hauberk.apiserver.pipeline import Pipeline
from hauberk.apiserver.request import Call
from hauberk.base.refs import Json, Ref
from hauberk.ports import Snapshot, WatchEvent
from hauberk.store import Store


class InProcess:
    """The API as controllers use it."""

    def __init__(self, store: Store, catalog: Catalog, pipeline: Pipeline) -> None:
        self._store, self._catalog, self._pipeline = store, catalog, pipeline

    def snapshot(self) -> Snapshot:
        """The committed state."""
        return self._store.snapshot()

    def watch(
        self, kinds: Collection[str] | None = None, *, since: int | None = None
    ) -> AsyncIterator[Sequence[WatchEvent]]:
        """Changes of these kinds (None: all) after a revision (None: now), in batches. Gone."""
        return self._store.watch(kinds, since=since)

    async def create(self, obj: Json, *, manager: str = "hauberk") -> Json:
        """Store a new object; returns it as stored. AlreadyExists, Invalid."""
        return await self._pipeline.create(self._catalog.of_object(obj), obj, Call(manager=manager))

    async def update(self, obj: Json, *, manager: str = "hauberk", subresource: str = "") -> Json:
        """Replace; Conflict when `metadata.resourceVersion` is set and stale."""
        call = Call(manager=manager, subresource=subresource)
        return await self._pipeline.update(self._catalog.of_object(obj), obj, call)

    async def apply(self, obj: Json, *, manager: str, owner: Json | None = None) -> Json:
        """Server-side apply with force. `owner` (a raw object) becomes the controller reference."""
        wanted = obj if owner is None else with_owner(obj, owner)
        kind = self._catalog.of_object(obj)
        return await self._pipeline.apply(kind, wanted, Call(manager=manager), force=True)

    async def apply_status(self, ref: Ref, status: Json, *, manager: str) -> Json:
        """Replace the fields of `status` that `manager` owns by these."""
        kind = self._catalog.of_ref(ref)
        place = {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
        obj = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": place, "status": status}
        call = Call(manager=manager, subresource="status")
        return await self._pipeline.apply(kind, obj, call, force=True)

    async def patch(self, ref: Ref, patch: Json, *, manager: str = "hauberk", subresource: str = "") -> Json:
        """A JSON merge patch."""
        kind = self._catalog.of_ref(ref)
        live = self._store.latest(ref)
        if live is None:
            raise refuse.not_found(kind, ref.name)
        new: Any = patches.merge_patch(live, patch)
        call = Call(manager=manager, subresource=subresource)
        return await self._pipeline.update(kind, new, call)

    async def delete(self, ref: Ref, *, grace_s: int | None = None, uid: str | None = None) -> None:
        """Begin deletion. NotFound when it is gone already; Conflict when `uid` differs."""
        kind = self._catalog.of_ref(ref)
        asked = Deletion(grace_s=grace_s, uid=uid)
        await self._pipeline.delete(kind, ref, asked, Call(manager="hauberk"))


def with_owner(obj: Json, owner: Json) -> dict[str, Any]:
    """`obj` with a controller reference to `owner`."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    meta = obj["metadata"]
    others = [o for o in meta.get("ownerReferences") or () if o.get("uid") != reference["uid"]]
    return {**obj, "metadata": {**meta, "ownerReferences": [*others, reference]}}
