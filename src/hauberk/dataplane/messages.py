"""An HTTP request and its answer, as handlers see them. Header names are lower case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec


class Request(msgspec.Struct):
    """A whole request: the body is read. `target` is the path with the query, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def host(self) -> str:
        """The `Host` without its port, lower case."""
        host = self.headers.get("host", "").lower()
        return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host


class Answer(msgspec.Struct):
    """A whole answer. From a client: as it came; from a handler: what to send."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


Handler = Callable[[Request], Awaitable[Answer]]
HeaderList = Sequence[tuple[str, str]]

REASONS: Mapping[int, str] = {
    100: "Continue",
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    507: "Insufficient Storage",
}
