"""Takes the data of released volumes away when their reclaim policy says Delete.

Only folders below the cluster's own data directory are removed, one per PersistentVolume that was made here.
"""

from __future__ import annotations

import asyncio
import logging
import shutil

from hauberk.base.apierrors import ApiError, NotFound
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, is_deleting, ref_of
from hauberk.engine.follow import follow
from hauberk.ports import Api, Snapshot, WatchEvent

from .claims import VOLUME, own_folder

log = logging.getLogger(__name__)


def is_due(volume: Json) -> bool:
    """Whether the data shall go. Pure."""
    spec = volume.get("spec") or {}
    released = (volume.get("status") or {}).get("phase") == "Released"
    deleted = spec.get("persistentVolumeReclaimPolicy") == "Delete"
    return released and deleted and own_folder(volume) is not None and not is_deleting(volume)


class Reclaimer:
    """The part of a provisioner that deletes."""

    def __init__(self, api: Api, paths: Paths) -> None:
        self._api, self._paths = api, paths
        self._due: asyncio.Queue[Json] = asyncio.Queue()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work())
            tasks.create_task(follow(self._api, (VOLUME,), self._begin, self._notice))

    def _begin(self, snapshot: Snapshot) -> None:
        for volume in snapshot.list(VOLUME):
            self._take(volume)

    def _notice(self, event: WatchEvent) -> None:
        if event.type != "DELETED":
            self._take(event.obj)

    def _take(self, volume: Json) -> None:
        if is_due(volume):
            self._due.put_nowait(volume)

    async def _work(self) -> None:
        while True:
            volume = await self._due.get()
            folder = own_folder(volume)
            assert folder is not None, "only such volumes are due"
            try:
                await asyncio.to_thread(shutil.rmtree, self._paths.volumes / folder, ignore_errors=True)
                await self._api.delete(ref_of(volume), uid=volume["metadata"]["uid"])
            except NotFound:
                continue
            except ApiError as error:
                log.warning("a released volume stays", extra={"volume": folder, "error": str(error)})
