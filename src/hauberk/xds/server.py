"""The server that Envoys get their configuration, secrets and hold decisions from.

One gRPC server on one unix socket (0600). `publish` replaces what every proxy should have and
sends each only the difference; `acked` waits until every connected proxy has answered for it. A
proxy that connects before its configuration is published waits. How a change is ordered, and what
happens to a refused one, is `hauberk.xds.stream`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from envoy.service.auth.v3.external_auth_pb2_grpc import add_AuthorizationServicer_to_server
from envoy.service.discovery.v3.ads_pb2_grpc import (
    AggregatedDiscoveryServiceServicer,
    add_AggregatedDiscoveryServiceServicer_to_server,
)

from hauberk.ports import Clock, Hold, Signer
from hauberk.xds.hold import HoldService
from hauberk.xds.sds import Credentials, Registered, Secrets
from hauberk.xds.stream import Nack, State, Stream, TypeSync
from hauberk.xds.translate.types import ORDER, Resource, Resources
from hauberk.xds.vouched import Vouched

log = logging.getLogger(__name__)
# A burst of held requests waits for its turn; by default the library refuses beyond 1,000 at once.
_PATIENT = (
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 200_000),
)
_STOP_GRACE_S = 0.2
_IDLE_S = 60.0


def log_nack(nack: Nack) -> None:
    """Say in the log what was refused."""
    log.warning("proxy refused a resource", extra={"nack": nack})


class _Session:
    """A stream and the alarm that says it may have something to send."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.wake = asyncio.Event()


class XdsServer(AggregatedDiscoveryServiceServicer):  # type: ignore[misc]
    """ADS (incremental), SDS and ext_authz for every Envoy of the cluster."""

    def __init__(
        self,
        path: Path,
        signer: Signer,
        credentials: Credentials,
        hold: Hold,
        clock: Clock,
        *,
        registered: Registered | None = None,
        on_nack: Callable[[Nack], None] = log_nack,
    ) -> None:
        self._path, self._hold, self._clock, self._on_nack = path, hold, clock, on_nack
        self._secrets = Secrets(signer, credentials, registered or {})
        self._published: dict[str, Resources] = {}
        self._sessions: dict[str, _Session] = {}  # the newest of each proxy
        self._owners: dict[str, str] = {}  # node id → the pod that the Envoy belongs to, where it is another
        self._vouched = Vouched()
        self._look_at = 0.0  # when renewals are looked at next
        self._alarm: asyncio.Timeout | None = None  # ends the sleep until the next renewal
        self._moved = asyncio.Event()  # set, and replaced, whenever a stream got further

    def publish(self, resources: Mapping[str, Resources]) -> None:
        """Make this the whole truth: proxy id (pod uid) → configuration. Returns at once.

        Gateway credentials are read again, so publish after a Secret has changed too.
        """
        lost = self._published.keys() - resources.keys()
        for gone in lost:
            self._secrets.forget(gone)
        if lost:
            self._owners = {node: owner for node, owner in self._owners.items() if owner not in lost}
        self._published = dict(resources)
        for proxy, session in self._sessions.items():
            if (wanted := self._published.get(proxy)) and session.stream.want(wanted):
                session.wake.set()

    def known_as(self, node: str, proxy: str) -> None:
        """From now on the Envoy that calls itself `node` is that of the pod `proxy`."""
        self._owners[node] = proxy
        session = self._sessions.pop(node, None)
        if session is not None:
            session.stream.proxy = proxy
            self._sessions[proxy] = session
            self._greet(session)

    def synced(self) -> dict[str, dict[str, TypeSync]]:
        """Per proxy and type URL, how far it is; a proxy that is not connected has `NOT SENT`."""
        out = {}
        for proxy, wanted in self._published.items():
            session = self._sessions.get(proxy)
            counts = {url: len(wanted.by_type.get(url, {})) for url in ORDER}
            out[proxy] = (
                session.stream.sync()
                if session
                else {url: TypeSync("NOT SENT", count, 0) for url, count in counts.items()}
            )
        return out

    def state(self, proxy: str) -> State:
        """The worst state of one proxy's resource types; `NOT SENT` for one that is not connected."""
        session = self._sessions.get(proxy)
        if session is None or proxy not in self._published:
            return "NOT SENT"
        return session.stream.state()

    def connected(self) -> frozenset[str]:
        """The proxies that have a stream now."""
        return frozenset(self._sessions)

    async def acked(self, proxies: Iterable[str] | None = None) -> None:
        """Wait until these proxies (None: all that are connected) answered for what is published."""
        asked = None if proxies is None else frozenset(proxies)
        while not self._all_settled(asked):
            await self._moved.wait()

    async def caught_up(self, proxies: Callable[[], Collection[str]]) -> None:
        """Wait until these proxies, as far as connected, got something new and answered for all of it."""
        while self._all_settled(frozenset(proxies()) & self.connected()):
            await self._moved.wait()
        while not self._all_settled(frozenset(proxies()) & self.connected()):
            await self._moved.wait()

    def _all_settled(self, asked: frozenset[str] | None) -> bool:
        names = self._sessions.keys() & self._published.keys() if asked is None else asked
        found = [self._sessions.get(name) for name in names]
        return all(session is not None and session.stream.is_settled() for session in found)

    def _progress(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen while the block runs."""
        server = grpc.aio.server(options=_PATIENT)
        add_AggregatedDiscoveryServiceServicer_to_server(self, server)
        add_AuthorizationServicer_to_server(HoldService(self._hold), server)
        self._path.unlink(missing_ok=True)
        server.add_insecure_port(f"unix:{self._path}")
        await server.start()
        self._path.chmod(0o600)  # until here the 0700 directory keeps others out
        try:
            yield
        finally:
            await server.stop(_STOP_GRACE_S)
            self._path.unlink(missing_ok=True)

    async def run(self) -> None:
        """Serve until cancelled, renewing certificates as they come due."""
        async with self.serving():
            await self.renew()

    async def renew(self) -> None:
        """Look after certificates until cancelled."""
        while True:
            due = self._secrets.next_renewal()
            left = _IDLE_S if due is None else due - self._clock.now()
            pause = min(max(left, 1.0), _IDLE_S)
            self._look_at = self._clock.now() + pause
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None) as self._alarm:
                    await self._clock.sleep(pause)
            self._alarm = None
            for session in self._sessions.values():
                session.wake.set()

    def _secret(self, proxy: str, name: str) -> Resource | None:
        wanted = self._published.get(proxy)
        if wanted is None:
            return None
        try:
            now = self._clock.now()
            made = self._secrets.get(proxy, wanted.identity, wanted.namespace, name, now, wanted.life_s)
        except ValueError:
            # One secret that cannot be made must not end the whole conversation.
            log.exception("secret cannot be made", extra={"proxy": proxy, "secret": name})
            return None
        self._rouse(now)
        return made

    def _rouse(self, now: float) -> None:
        """Look at renewals again when one has become due before the next look."""
        if self._alarm is not None and self._secrets.soonest < min(now + _IDLE_S, self._look_at):
            self._alarm.reschedule(asyncio.get_running_loop().time())
            self._alarm = None  # until it sleeps again

    async def DeltaAggregatedResources(  # noqa: N802 (gRPC's name)
        self, request_iterator: object, context: grpc.aio.ServicerContext
    ) -> None:
        """Talk with one proxy until it leaves."""
        del request_iterator
        first = await context.read()
        if first is grpc.aio.EOF:
            return
        proxy = self._owners.get(first.node.id, first.node.id)
        stream = Stream(proxy, lambda name: self._secret(stream.proxy, name), self._on_nack, self._vouched)
        session = _Session(stream)
        session.stream.on_request(first)
        self._sessions[proxy] = session
        self._greet(session)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(session, context))
                await self._read(session, context)
                writer.cancel()
        finally:
            if self._sessions.get(session.stream.proxy) is session:
                del self._sessions[session.stream.proxy]
            self._progress()

    def _greet(self, session: _Session) -> None:
        """Begin to send a proxy what is published for it, if anything is."""
        proxy = session.stream.proxy
        if wanted := self._published.get(proxy):
            session.stream.want(wanted)
        log.debug("proxy connected", extra={"proxy": proxy, "published": proxy in self._published})
        session.wake.set()

    async def _read(self, session: _Session, context: grpc.aio.ServicerContext) -> None:
        while (request := await context.read()) is not grpc.aio.EOF:
            session.stream.on_request(request)
            session.wake.set()

    async def _write(self, session: _Session, context: grpc.aio.ServicerContext) -> None:
        while True:
            await session.wake.wait()
            session.wake.clear()
            for response in session.stream.responses():
                detail = {"proxy": session.stream.proxy, "type": response.type_url.rpartition(".")[2]}
                log.debug("sending", extra={**detail, "resources": len(response.resources)})
                await context.write(response)
            self._progress()
