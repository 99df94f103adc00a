"""A sandbox with an Envoy that is connected already, made while nobody waits, for the next pod.

Guarantees: at most one spare; it knows nothing of any pod, has no certificate and no configuration until a
pod takes it over; none is made beside pods that start. A pod that finds none starts its own as ever.

Deviation: a kubelet starts an Envoy after its pod was bound; `startedAt` of the pod's proxy is when the pod
took the spare over, its `server.uptime` counts from the spare's start, its log may begin with lines of that.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from hauberk.base.files import write_whole
from hauberk.base.paths import Paths
from hauberk.ports import Clock

from .pod.deps import ProxyBootstrap
from .pod.model import PROXY
from .runtime import Claimed, Runtime, StartError

log = logging.getLogger(__name__)

PREFIX = "spare-"
QUIET_S = 1.0
"""Since the last pod with an Envoy began: a spare costs 40 ms of CPU that a start has better use for."""


class Spares:
    """Keeps one spare, once the first pod with an Envoy began.

    `connected` knows whether a spare's Envoy has come to the xDS server; one that has not is still reading
    its files, which must not move then. `renamed` is told (spare, uid of its pod).
    """

    def __init__(
        self,
        runtime: Runtime,
        paths: Paths,
        clock: Clock,
        bootstrap: ProxyBootstrap,
        renamed: Callable[[str, str], None],
        connected: Callable[[str], bool],
    ) -> None:
        self._runtime, self._paths, self._clock = runtime, paths, clock
        self._bootstrap, self._renamed, self._connected = bootstrap, renamed, connected
        self._ready = ""
        self._own: set[str] = set()  # made here and not yet a pod's or removed
        self._last = clock.monotonic()
        self._asked = asyncio.Event()

    @property
    def own(self) -> frozenset[str]:
        """The uids of sandboxes that no pod has and that are nobody's leftovers."""
        return frozenset(self._own)

    async def claim(self, uid: str, log_path: Path) -> Claimed | None:
        """The spare, from now on that pod's; None when none is connected. One that is refused goes."""
        self._last = self._clock.monotonic()
        self._asked.set()
        if not self._ready or not self._connected(self._ready):
            return None
        spare, self._ready = self._ready, ""
        try:
            claimed = await self._runtime.claim(spare, uid, log=log_path)
        except StartError as error:
            log.warning("a spare cannot be used", extra={"spare": spare, "error": str(error)})
            await self._remove(spare)
            return None
        self._own.discard(spare)
        if claimed.running is None:  # nobody moved the log of an Envoy that ended
            await _delete(self._paths.pod_logs(spare))
        self._renamed(spare, uid)
        return claimed

    async def ended(self, uid: str) -> None:
        """Take note that the Envoy in this sandbox ended; what is left of a spare goes."""
        if uid == self._ready:
            self._ready = ""
            await self._remove(uid)

    async def run(self) -> None:
        """After pods took or wanted a spare, make another once it has been quiet, until cancelled.

        One that ends by itself is not made again before a pod has asked: its cause may be there still.
        """
        while True:
            await self._asked.wait()
            left = QUIET_S - (self._clock.monotonic() - self._last)
            if left > 0:
                await self._clock.sleep(left)
                continue
            self._asked.clear()
            if not self._ready:
                await self._make()

    async def _make(self) -> None:
        uid = f"{PREFIX}{uuid.uuid4().hex[:12]}"  # shorter than a pod's: a socket's path is limited
        self._own.add(uid)
        order = self._bootstrap({"metadata": {"name": "spare", "namespace": "", "uid": uid}}, {}, "")
        try:
            await self._runtime.sandbox(uid)
            for name, content in order.files.items():
                write_whole(self._paths.pod(uid) / name, content)
            await self._runtime.start_proxy(
                uid,
                name=PROXY,
                argv=order.argv,
                env=order.env,
                log=self._paths.pod_logs(uid) / "0.log",
            )
        except (StartError, OSError) as error:
            log.warning("a spare cannot be made", extra={"error": str(error)})
            await self._remove(uid)
            return
        self._ready = uid

    async def _remove(self, uid: str) -> None:
        await self._runtime.remove_sandbox(uid)
        self._own.discard(uid)
        for folder in (self._paths.pod(uid), self._paths.pod_logs(uid)):
            await _delete(folder)


async def _delete(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
