"""A small HTTP/1.1 client for events: whole bodies, pooled connections, a time limit for each request.

A request on a pooled connection that the peer had closed meanwhile is sent again on a fresh one. Redirects
are not followed: an answer is an answer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import httptools
import msgspec

from hauberk.dataplane.messages import Answer, HeaderList

if TYPE_CHECKING:
    import ssl

IDLE_PER_HOST = 100  # upstream's MaxIdleConnsPerHost
_IDLE_S = 60.0
_CONNECT_S = 30.0
_LONGEST_S = 900.0  # of any request. Source: knative/eventing pkg/channel/fanout, defaultTimeout
_ANSWER_LIMIT = 8 * 1024 * 1024


class NoAnswer(Exception):
    """Refused, reset, timed out, or not HTTP. The text says which."""


class Destination(msgspec.Struct, frozen=True):
    """Where connections go: they are shared by all URLs with the same destination."""

    host: str
    port: int
    tls: bool = False
    ca: str = ""


class Client:
    """Pooled connections by destination."""

    def __init__(self) -> None:
        self._idle: dict[Destination, list[_Connection]] = defaultdict(list)
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def post(
        self, url: str, headers: HeaderList, body: bytes, *, timeout_s: float | None = None, ca: str = ""
    ) -> Answer:
        """POST and the whole answer. Raises NoAnswer; ValueError when the URL is none."""
        return await self.request("POST", url, headers, body, timeout_s=timeout_s, ca=ca)

    async def request(
        self,
        method: str,
        url: str,
        headers: HeaderList,
        body: bytes = b"",
        *,
        timeout_s: float | None = None,
        ca: str = "",
    ) -> Answer:
        """Any method. Raises NoAnswer; ValueError when the URL is none."""
        destination, host, path = _parts(url, ca)
        timeout_s = _LONGEST_S if timeout_s is None else timeout_s
        message = _message(method, host, path, headers, body)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(destination, method, message)
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {timeout_s:g} s") from error
        except (OSError, ValueError) as error:  # ValueError: the CA bundle holds no certificate
            raise NoAnswer(f"{destination.host}:{destination.port}: {error}") from error

    async def _exchange(self, destination: Destination, method: str, message: bytes) -> Answer:
        idle = self._idle[destination]
        while idle:
            connection = idle.pop()
            if not connection.is_open:
                continue
            try:
                return await self._send(destination, connection, method, message)
            except _Stale:
                continue
        connection = await self._connect(destination)
        try:
            return await self._send(destination, connection, method, message)
        except _Stale as error:
            raise NoAnswer("connection closed before an answer") from error

    async def _send(
        self, destination: Destination, connection: _Connection, method: str, message: bytes
    ) -> Answer:
        try:
            answer = await connection.exchange(method, message)
        except BaseException:
            connection.abort()
            raise
        idle = self._idle[destination]
        if connection.is_open and len(idle) < IDLE_PER_HOST:
            connection.rest()
            idle.append(connection)
        else:
            connection.abort()
        return answer

    async def _connect(self, destination: Destination) -> _Connection:
        loop = asyncio.get_running_loop()
        context = self._context(destination) if destination.tls else None
        try:
            async with asyncio.timeout(_CONNECT_S):
                _, protocol = await loop.create_connection(
                    lambda: _Connection(loop), destination.host, destination.port, ssl=context
                )
        except TimeoutError as error:
            where = f"{destination.host}:{destination.port}"
            raise NoAnswer(f"{where}: no connection within {_CONNECT_S:g} s") from error
        return protocol

    def _context(self, destination: Destination) -> ssl.SSLContext:
        found = self._contexts.get(destination.ca)
        if found is None:
            import ssl

            found = ssl.create_default_context(cadata=destination.ca or None)
            self._contexts[destination.ca] = found
        return found

    def close(self) -> None:
        """Close idle connections."""
        for idle in self._idle.values():
            for connection in idle:
                connection.abort()
        self._idle.clear()


@lru_cache(4096)
def _parts(url: str, ca: str) -> tuple[Destination, str, str]:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    if (not tls and parts.scheme != "http") or not parts.hostname:
        raise ValueError(f"not an http or https URL: {url}")
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    port = parts.port or (443 if tls else 80)
    return Destination(parts.hostname, port, tls, ca), parts.netloc.rpartition("@")[2], path


def _message(method: str, host: str, path: str, headers: HeaderList, body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"content-length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


class _Stale(Exception):
    """The peer closed before the first byte of an answer."""


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._keep = True
        self._heard = False
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._reaper: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and self._keep

    async def exchange(self, method: str, message: bytes) -> Answer:
        if self._reaper is not None:
            self._reaper.cancel()
        self._begin()
        self._heard = False
        self._head = method == "HEAD"
        self._waiter = self._loop.create_future()
        if self._transport is None:
            raise _Stale
        self._transport.write(message)
        return await self._waiter

    def rest(self) -> None:
        """Nobody uses it: close it after a while."""
        self._reaper = self._loop.call_later(_IDLE_S, self.abort)

    def abort(self) -> None:
        self._keep = False
        if self._reaper is not None:
            self._reaper.cancel()
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._keep = False
        if self._waiter is None or self._waiter.done():
            return
        if not self._heard:
            self._waiter.set_exception(_Stale())
        elif self._status() and "content-length" not in self._headers and exc is None:
            self._finish()  # a body that ends with the connection
        else:
            self._waiter.set_exception(NoAnswer("connection closed within the answer"))

    def _status(self) -> int:
        return int(self._parser.get_status_code() or 0)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        if self._waiter is None or self._waiter.done():
            self.abort()  # an answer that nobody asked for
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._waiter.done():
                self._waiter.set_exception(NoAnswer(f"the answer is not HTTP: {error}"))
            self.abort()

    # httptools callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        text = value.decode("utf-8", "surrogateescape")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._head and self._status() >= 200:
            self._finish()

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > _ANSWER_LIMIT:
            raise ValueError("the answer is too large")
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._status() < 200:  # 100 Continue, 103 Early Hints
            self._headers, self._body = {}, []
            return
        self._keep = self._keep and self._parser.should_keep_alive()
        self._finish()

    def _finish(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._waiter.set_result(Answer(self._status(), self._headers, body))
