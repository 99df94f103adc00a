"""HTTP as the handlers see it: a request, an answer, and the ASGI glue between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import orjson

from hauberk.apiserver.request import User
from hauberk.apiserver.streams.connection import TAKE, Take
from hauberk.base.apierrors import ApiError, BadRequest

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 3 * 1024 * 1024
SEVERAL = "\n"  # between the values of a header that may stand several times
JSON_TYPE = "application/json"
SWITCHED = 101  # the code of an answer whose connection was taken
_MANY = ("impersonate-", "sec-websocket-protocol", "x-stream-protocol-version")


class TooLarge(ApiError):
    """The body exceeds what a request may carry."""

    code, reason = 413, "RequestEntityTooLarge"


class NotAcceptable(ApiError):
    """None of the wanted content types is served."""

    code, reason = 406, "NotAcceptable"


class NotBuilt(ApiError):
    """Upstream has it; this cluster does not yet."""

    code, reason = 501, "NotImplemented"


@dataclass(slots=True)
class HttpRequest:
    """One request. `user` is set once it is authenticated."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    receive: Receive
    user: User = field(default_factory=lambda: User("system:anonymous"))
    actor: User | None = None  # who asked, where `user` is who they act as
    raw_query: str = ""
    annotations: dict[str, str] = field(default_factory=dict)  # what admission says to the audit log
    take: Take | None = None

    def values(self, name: str) -> list[str]:
        """All values of a query parameter, in order."""
        return [v for k, v in parse_qsl(self.raw_query, keep_blank_values=True) if k == name]

    def flag(self, name: str) -> bool:
        """A boolean query parameter; `1` and `true` are true, present without a value too."""
        value = self.query.get(name)
        return value is not None and value.lower() not in ("false", "0")

    def number(self, name: str) -> int | None:
        """An integer query parameter. BadRequest."""
        text = self.query.get(name)
        if text in (None, ""):
            return None
        try:
            return int(str(text))
        except ValueError:
            raise BadRequest(f'{name}: strconv.ParseInt: parsing "{text}": invalid syntax') from None

    async def body(self) -> bytes:
        """The whole body. TooLarge."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part = message.get("body", b"")
            size += len(part)
            if size > MAX_BODY_BYTES:
                raise TooLarge(f"Request entity too large: limit is {MAX_BODY_BYTES}")
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)

    async def until_disconnect(self) -> None:
        """Wait until the client has gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


class Disconnected(Exception):
    """The client left before the request was complete."""


@dataclass(slots=True)
class Answer:
    """What goes back: `body` at once, or `stream` piece by piece."""

    body: bytes = b""
    code: int = 200
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    stream: AsyncIterator[bytes] | None = None


def json_answer(value: Any, code: int = 200, warnings: list[str] | None = None) -> Answer:
    """A JSON body, with Warnings as headers."""
    headers = tuple(("warning", warning_header(text)) for text in warnings or ())
    return Answer(orjson.dumps(value), code, headers=headers)


def warning_header(text: str) -> str:
    """RFC 7234 warn-code 299 with the text quoted; control characters cannot stand in a header."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    quoted = clean.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{quoted}"'


def error_answer(error: ApiError) -> Answer:
    """The `v1 Status` of a refusal."""
    answer = json_answer(error.status(), error.code)
    if error.retry_after_s:
        answer.headers += (("retry-after", str(error.retry_after_s)),)
    return answer


def request_of(scope: Scope, receive: Receive) -> HttpRequest:
    """Read an ASGI scope."""
    headers: dict[str, str] = {}
    for raw_name, value in scope["headers"]:
        name, text = raw_name.decode("latin-1"), value.decode("latin-1")
        if name in headers and name.startswith(_MANY):
            text = f"{headers[name]}{SEVERAL}{text}"
        headers[name] = text
    text = scope["query_string"].decode("latin-1")
    query = dict(parse_qsl(text, keep_blank_values=True))
    take = (scope.get("extensions") or {}).get(TAKE)
    return HttpRequest(scope["method"], scope["path"], query, headers, receive, raw_query=text, take=take)


async def send_answer(answer: Answer, send: Send) -> None:
    """Write an answer to the client."""
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"cache-control", b"no-cache, private"),
        *((k.encode("latin-1"), v.encode("latin-1", "replace")) for k, v in answer.headers),
    ]
    if answer.stream is None:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.code, "headers": headers})
    if answer.stream is not None:
        async for part in answer.stream:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body})
