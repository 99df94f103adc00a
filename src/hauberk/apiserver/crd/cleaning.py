"""What a definition leaves behind: its objects go first, then it; names that become free are given out.

Source: apiextensions-apiserver pkg/controller/finalizer/crd_finalizer.go.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from hauberk.apiserver.crd import names
from hauberk.apiserver.crd.definitions import CRD, FINALIZER, Definitions
from hauberk.base.apierrors import ApiError, Conflict, NotFound
from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.base.times import rfc3339
from hauberk.ports import Api, Clock

log = logging.getLogger(__name__)
_AGAIN_S = 0.2
_MANAGER = "kube-apiserver"


class Cleaner:
    """Works on definitions that are being deleted, or that wait for a name."""

    def __init__(self, api: Api, definitions: Definitions, clock: Clock) -> None:
        self._api, self._definitions, self._clock = api, definitions, clock

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            changes = self._api.watch([CRD])
            try:
                await self._look()
                async for _ in changes:
                    await self._look()
            except ApiError as error:
                log.debug("definitions are looked at again", extra={"error": str(error)})
                await self._clock.sleep(_AGAIN_S)

    async def _look(self) -> None:
        for crd in list(self._api.snapshot().list(CRD)):
            try:
                if is_deleting(crd):
                    await self._clean(crd)
                else:
                    await self._name(crd)
            except (NotFound, Conflict):
                continue  # it changed meanwhile, which is a change to look at

    async def _name(self, crd: Json) -> None:
        status = self._definitions.status_of(crd, self._api.snapshot())
        if status != crd.get("status"):
            await self._write(crd, {"status": status}, "status")

    async def _clean(self, crd: Json) -> None:
        if FINALIZER not in (crd["metadata"].get("finalizers") or ()):
            return
        if self._definitions.own_kind(crd) is None:
            status = names.with_terminating(crd, "begun", rfc3339(self._clock.now()))
            crd = await self._write(crd, {"status": status}, "status")
            await self._remove_all(_kind_id(crd))
        left = [f for f in crd["metadata"].get("finalizers") or () if f != FINALIZER]
        await self._write(crd, {"metadata": {"finalizers": left}})

    async def _remove_all(self, kind: str) -> None:
        while objects := self._api.snapshot().list(kind):
            todo = [ref_of(o) for o in objects if not is_deleting(o)]
            await asyncio.gather(*(self._remove(ref) for ref in todo))
            if self._api.snapshot().list(kind):
                await self._clock.sleep(_AGAIN_S)  # finalizers hold some

    async def _remove(self, ref: Ref) -> None:
        try:
            await self._api.delete(ref)
        except NotFound:
            return

    async def _write(self, crd: Json, patch: dict[str, Any], subresource: str = "") -> Json:
        meta = {**patch.get("metadata", {}), "resourceVersion": crd["metadata"]["resourceVersion"]}
        return await self._api.patch(
            ref_of(crd), {**patch, "metadata": meta}, manager=_MANAGER, subresource=subresource
        )


def _kind_id(crd: Json) -> str:
    spec: Json = crd["spec"]
    return f"{spec['names']['kind']}.{spec['group']}"
