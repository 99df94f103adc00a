"""HTTP connections that the application can take for itself: exec, attach and port-forward.

A request with `Connection: Upgrade` is served as any other one, so it is authenticated, authorized and
refused in the same way; its ASGI scope has an extension by which the application takes the connection over.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hauberk.apiserver.streams.connection import TAKE

_ENOUGH = 1 << 20


class Taken:
    """What is left of an HTTP connection: bytes both ways. Is an `apiserver.streams.Connection`."""

    def __init__(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        self._transport, self._flow = transport, flow
        self._arrived = bytearray()
        self._wake = asyncio.Event()
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Bytes that arrived."""
        self._arrived += data
        self._wake.set()
        if len(self._arrived) > _ENOUGH:
            self._flow.pause_reading()

    def end(self) -> None:
        """The client has gone."""
        self._ended = True
        self._wake.set()

    async def read(self) -> bytes:
        """What arrived, at least one byte; nothing when the client has gone."""
        while not self._arrived and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        data = bytes(self._arrived)
        self._arrived.clear()
        self._flow.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send; waits while the client does not read."""
        if not self._transport.is_closing():
            self._transport.write(data)
            await self._flow.drain()

    def close(self) -> None:
        """Send what is left and end the connection."""
        self._transport.close()


class Upgradable(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with connections that can be taken."""

    _taken: Taken | None = None

    def on_headers_complete(self) -> None:
        """Offer the connection to the application when the client wants another protocol."""
        super().on_headers_complete()
        if self._get_upgrade() is not None:
            scope: Any = self.scope
            scope["extensions"] = {TAKE: self._take}

    def _take(self) -> Taken:
        self._taken = Taken(self.transport, self.flow)
        self.cycle.disconnected = True  # nothing is answered by HTTP any more
        self.cycle.keep_alive = False
        return self._taken

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the application decides."""

    def data_received(self, data: bytes) -> None:
        """Bytes of the client, for HTTP or for who took the connection."""
        if self._taken is None:
            super().data_received(data)
        else:
            self._taken.feed(data)

    def eof_received(self) -> None:
        """The client sends no more."""
        if self._taken is not None:
            self._taken.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        if self._taken is not None:
            self._taken.end()
        super().connection_lost(exc)
