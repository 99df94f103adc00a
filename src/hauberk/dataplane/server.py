"""A small HTTP/1.1 server for events: whole bodies, keep-alive, one answer after the other on a connection.

A body above the limit is answered 413 without being kept, what is not HTTP 400. A handler that fails is
answered 500 and logged. Draining closes idle connections and lets running requests end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from pathlib import Path
from typing import cast

import httptools

from hauberk.dataplane.messages import REASONS, Answer, Handler, Request

log = logging.getLogger(__name__)

LIMIT = 8 * 1024 * 1024  # bytes of a body
_HEADERS_LIMIT = 64 * 1024  # bytes of all names and values
_PIPELINED = 32  # requests read ahead on one connection


class Server:
    """Open listeners and their connections. `requests` counts all that were begun."""

    def __init__(self, handler: Handler, tasks: asyncio.TaskGroup, *, limit: int = LIMIT) -> None:
        self.handler, self.tasks, self.limit = handler, tasks, limit
        self.connections: set[_Connection] = set()
        self.requests = 0
        self._listeners: list[asyncio.Server] = []
        self._empty = asyncio.Event()

    def forget(self, connection: _Connection) -> None:
        """It is closed."""
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()

    async def listen(self, host: str | None, port: int) -> int:
        """Listen on TCP; the port (of its own choice for 0)."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: _Connection(self), host, port, backlog=1024)
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def listen_unix(self, path: Path) -> None:
        """Listen on a unix socket, in place of one that a killed process left."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - in memory, before anything is served
        loop = asyncio.get_running_loop()
        self._listeners.append(await loop.create_unix_server(lambda: _Connection(self), str(path)))
        path.chmod(0o600)  # noqa: ASYNC240

    async def drain(self, timeout_s: float = 10.0) -> None:
        """Stop listening, let running requests end, close connections; at most `timeout_s`."""
        for listener in self._listeners:
            listener.close()
        for connection in list(self.connections):
            connection.close_when_idle()
        try:
            async with asyncio.timeout(timeout_s):
                while self.connections:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            log.warning("requests still running were cut off: %d", len(self.connections))
        for connection in list(self.connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    """One connection. Requests are handled one at a time, in order."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._busy = False
        self._closing = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._header_size = 0
        self._body: list[bytes] = []
        self._size = 0
        self._refused = 0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._closing = True
        self._waiting.clear()
        self._writable.set()
        self._server.forget(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(400)
        except httptools.HttpParserError:
            self._refuse(self._refused or 400)

    # httptools callbacks

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value))
        key = name.decode("latin-1").lower()
        text = value.decode("utf-8", "surrogateescape")
        if key in self._headers:
            text = f"{self._headers[key]}, {text}"
        self._headers[key] = text

    def _grow(self, size: int) -> None:
        self._header_size += size
        if self._header_size > _HEADERS_LIMIT:
            self._refused = 431
            raise ValueError("headers too large")

    def on_headers_complete(self) -> None:
        length = self._headers.get("content-length", "")
        if length.isdigit() and int(length) > self._server.limit:
            self._refused = 413
            raise ValueError("body too large")
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > self._server.limit:
            self._refused = 413
            raise ValueError("body too large")
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        request = Request(
            self._parser.get_method().decode("ascii"), self._target.decode("latin-1"), self._headers, body
        )
        keep = self._parser.should_keep_alive()
        self._begin()
        self._waiting.append((request, keep))
        self._server.requests += 1
        if not self._busy:
            self._busy = True
            self._server.tasks.create_task(self._work())
        elif len(self._waiting) >= _PIPELINED and self._transport is not None:
            self._transport.pause_reading()

    # answers

    async def _work(self) -> None:
        while self._waiting:
            request, keep = self._waiting.popleft()
            try:
                answer = await self._server.handler(request)
            except Exception:  # a defect of a handler must not end the process
                log.exception("a handler failed")
                answer = Answer(500)
            self._write(answer, head=request.method == "HEAD", close=not keep)
            if not self._writable.is_set():
                await self._writable.wait()
            if self._transport is not None and not self._closing:
                self._transport.resume_reading()
        self._busy = False
        if self._closing and self._transport is not None:
            self._transport.close()

    def _write(self, answer: Answer, *, head: bool = False, close: bool = False) -> None:
        if self._transport is None:
            return
        close = close or self._closing
        status = answer.status
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines.append(f"content-length: {len(answer.body)}")
        if close:
            lines.append("connection: close")
            self._closing = True
        top = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
        self._transport.write(top if head else top + answer.body)
        if close and not self._waiting:
            self._transport.close()

    def _refuse(self, status: int) -> None:
        """Answer what cannot be read; what was read before is still answered first."""
        self._closing = True
        if self._busy:
            self._waiting.clear()
            return
        self._write(Answer(status), close=True)

    def close_when_idle(self) -> None:
        """Close now, or after the request under way."""
        self._closing = True
        if not self._busy and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
