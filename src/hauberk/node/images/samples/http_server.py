"""A small HTTP server for the samples: one thread, no imports that cost start-up time.

HTTP/1.1 with keep-alive, pipelining and chunked bodies, and h2c (HTTP/2 with prior knowledge) on the same
port. Listens on $PORT (8080) of all interfaces. On SIGTERM it stops listening, finishes what is in hand, and
exits with 0.
"""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from http2 import Session  # type: ignore[import-not-found]

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_MAX_HEAD, _MAX_BODY = 64 * 1024, 64 * 1024 * 1024
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found", 413: "Content Too Large"}


class Request(NamedTuple):
    """One request. `headers` by lower-case name; `query` undecoded."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Response(NamedTuple):
    """One response, sent after `delay_s`."""

    body: bytes
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    delay_s: float = 0.0


Handler = Callable[[Request], Response]


class Broken(Exception):
    """Bytes that are no request."""


def take(data: bytearray) -> Request | None:
    """Cut the first whole request off the front of what has arrived; None while it is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > _MAX_HEAD:
            raise Broken("head too long")
        return None
    lines = bytes(data[:end]).decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise Broken("no request line")
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    found = _body(data, end + 4, headers)
    if found is None:
        return None
    body, size = found
    del data[:size]
    path, _, query = parts[1].partition("?")
    if parts[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Request(parts[0], path, query, headers, body)


def _body(data: bytearray, at: int, headers: dict[str, str]) -> tuple[bytes, int] | None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunks(data, at)
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _MAX_BODY:
        raise Broken("content-length")
    end = at + int(length)
    return (bytes(data[at:end]), end) if len(data) >= end else None


def _chunks(data: bytearray, at: int) -> tuple[bytes, int] | None:
    body = b""
    while (line := data.find(b"\r\n", at)) >= 0:
        try:
            size = int(bytes(data[at:line]).split(b";")[0], 16)
        except ValueError:
            raise Broken("chunk size") from None
        at = line + 2
        if size == 0:
            end = data.find(b"\r\n", at)
            while end > at:  # trailers
                at = end + 2
                end = data.find(b"\r\n", at)
            return (body, end + 2) if end >= 0 else None
        if len(data) < at + size + 2:
            return None
        body += data[at : at + size]
        if len(body) > _MAX_BODY:
            raise Broken("body too long")
        at += size + 2
    return None


def render(response: Response, *, close: bool, head_only: bool) -> bytes:
    """The response's bytes."""
    reason = _REASONS.get(response.status, "")
    lines = [
        f"HTTP/1.1 {response.status} {reason}",
        f"content-type: {response.content_type}",
        f"content-length: {len(response.body)}",
        *(["connection: close"] if close else []),
    ]
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + (b"" if head_only else response.body)


def _refusal(error: Broken) -> bytes:
    return render(Response(f"{error}\n".encode(), 400), close=True, head_only=False)


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.data = bytearray()
        self.out = bytearray()
        self.busy = False
        self.closing = False
        self.http2: Session | None = None

    def is_working(self) -> bool:
        """Whether something is in hand or still to be sent."""
        return self.busy or bool(self.out) or (self.http2 is not None and self.http2.is_busy)


class Server:
    """The loop: connections, delayed responses, the signal."""

    def __init__(self, handler: Handler, port: int) -> None:
        self._handler = handler
        self._select = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, _Connection, int, bool, Response]] = []
        self._number = 0
        self._connections: set[_Connection] = set()
        self._stopping = False
        self._door = socket.create_server(("0.0.0.0", port), backlog=512, reuse_port=False)
        self._door.setblocking(False)
        self._select.register(self._door, selectors.EVENT_READ, None)
        self._wake, woken = socket.socketpair()
        woken.setblocking(False)
        self._woken = woken
        signal.set_wakeup_fd(woken.fileno())
        self._select.register(self._wake, selectors.EVENT_READ, None)

    def run(self) -> None:
        """Serve until told to stop and nothing is in hand."""
        signal.signal(signal.SIGTERM, self._stop)
        while not self._stopping or any(c.is_working() for c in self._connections):
            wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
            for key, events in self._select.select(wait):
                if key.fileobj is self._door:
                    self._accept()
                elif key.fileobj is self._wake:
                    self._wake.recv(64)
                else:
                    self._ready(key.data, events)
            self._answer_late()

    def _stop(self, *_: object) -> None:
        if not self._stopping:
            self._stopping = True
            self._select.unregister(self._door)
            self._door.close()
            for connection in tuple(self._connections):
                if connection.http2 is not None:
                    connection.http2.leave()
                    with suppress(OSError):
                        self._flush_http2(connection)

    def _accept(self) -> None:
        try:
            sock, _ = self._door.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(sock)
        self._connections.add(connection)
        self._select.register(sock, selectors.EVENT_READ, connection)

    def _ready(self, connection: _Connection, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(connection)
            if events & selectors.EVENT_READ:
                data = connection.sock.recv(1 << 16)
                if not data:
                    self._close(connection)
                    return
                connection.data += data
                self._serve(connection)
        except OSError:
            self._close(connection)

    def _serve(self, connection: _Connection) -> None:
        if connection.http2 is None and connection.data.startswith(_PREFACE[:3]):
            if len(connection.data) < len(_PREFACE):
                return
            # Imported by those who speak it: the others start sooner.
            from http2 import Session

            del connection.data[: len(_PREFACE)]
            connection.http2 = Session()
        if connection.http2 is not None:
            self._serve_http2(connection, connection.http2)
            return
        while not connection.busy and not connection.closing:
            try:
                request = take(connection.data)
            except Broken as error:
                connection.closing = True
                self._send(connection, _refusal(error))
                return
            if request is None:
                return
            close = self._stopping or request.headers.get("connection", "").lower() == "close"
            connection.closing = close
            response = self._handler(request)
            head_only = request.method == "HEAD"
            if response.delay_s:
                connection.busy = True
                self._later(connection, 0, head_only, response)
            else:
                self._send(connection, render(response, close=close, head_only=head_only))

    def _serve_http2(self, connection: _Connection, session: Session) -> None:
        from http2 import Broken as Unreadable

        try:
            for stream, got in session.receive(connection.data):
                path, _, query = got.target.partition("?")
                response = self._handler(Request(got.method, path, query, got.headers, got.body))
                head_only = got.method == "HEAD"
                if response.delay_s:
                    self._later(connection, stream, head_only, response)
                else:
                    self._respond(session, stream, head_only, response)
        except Unreadable as error:
            session.leave(error.code)
            connection.closing = True
        self._flush_http2(connection)

    @staticmethod
    def _respond(session: Session, stream: int, head_only: bool, response: Response) -> None:
        session.respond(stream, response.status, response.content_type, response.body, head_only=head_only)

    def _flush_http2(self, connection: _Connection) -> None:
        if connection.http2 is not None:
            connection.out += connection.http2.out
            connection.http2.out.clear()
        self._flush(connection)

    def _later(self, connection: _Connection, stream: int, head_only: bool, response: Response) -> None:
        self._number += 1
        at = time.monotonic() + response.delay_s
        heapq.heappush(self._timers, (at, self._number, connection, stream, head_only, response))

    def _answer_late(self) -> None:
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, _, connection, stream, head_only, response = heapq.heappop(self._timers)
            connection.busy = False
            if connection in self._connections:
                try:
                    self._finish(connection, stream, head_only, response)
                except OSError:
                    self._close(connection)

    def _finish(self, connection: _Connection, stream: int, head_only: bool, response: Response) -> None:
        """Answer what waited, and go on with what came meanwhile."""
        if connection.http2 is not None:
            self._respond(connection.http2, stream, head_only, response)
            self._flush_http2(connection)
            return
        self._send(connection, render(response, close=connection.closing, head_only=head_only))
        self._serve(connection)

    def _send(self, connection: _Connection, data: bytes) -> None:
        connection.out += data
        self._flush(connection)

    def _flush(self, connection: _Connection) -> None:
        if connection.out:
            try:
                sent = connection.sock.send(connection.out)
                del connection.out[:sent]
            except BlockingIOError:
                pass
        if connection.closing and not connection.out:
            self._close(connection)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.out else 0)
        if self._select.get_key(connection.sock).events != events:
            self._select.modify(connection.sock, events, connection)

    def _close(self, connection: _Connection) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self._select.unregister(connection.sock)
            connection.sock.close()
            connection.busy = False
            connection.http2 = None
            connection.out.clear()


def serve(handler: Handler) -> None:
    """Serve on $PORT until SIGTERM."""
    Server(handler, int(os.environ.get("PORT") or 8080)).run()
