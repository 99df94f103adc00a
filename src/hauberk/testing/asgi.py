"""A client of an ASGI application in the same process: requests, and answers that go on, such as watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson

ADMIN = {"x-forwarded-client-cert": 'Subject="CN=admin,O=system:masters"'}
App = Any


def scope_of(method: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The ASGI scope of a request."""
    path, _, query = url.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }


class AsgiClient:
    """Calls an application as a server would."""

    def __init__(self, app: App, headers: Mapping[str, str] = ADMIN) -> None:
        self._app, self._headers = app, headers

    async def __call__(
        self, method: str, url: str, body: Any = None, *, media: str = "application/json"
    ) -> tuple[int, Any]:
        """One request; the status and the decoded body."""
        sent: list[Any] = []
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        messages: list[Any] = [{"type": "http.request", "body": content}]

        async def receive() -> Any:
            if messages:
                return messages.pop(0)
            return await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = scope_of(method, url, {"content-type": media, **self._headers})
        await self._app(scope, receive, send)
        text = b"".join(m.get("body", b"") for m in sent[1:])
        try:
            return sent[0]["status"], orjson.loads(text)
        except orjson.JSONDecodeError:
            return sent[0]["status"], text

    @asynccontextmanager
    async def stream(self, url: str) -> AsyncIterator[AsyncIterator[Any]]:
        """A GET whose answer is read line by line, each a JSON value; leaving disconnects."""
        lines: asyncio.Queue[Any] = asyncio.Queue()
        left = asyncio.Event()

        async def receive() -> Any:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            for line in message.get("body", b"").splitlines():
                lines.put_nowait(orjson.loads(line))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                lines.put_nowait(None)

        async def read() -> AsyncIterator[Any]:
            while (line := await lines.get()) is not None:
                yield line

        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._app(scope_of("GET", url, self._headers), receive, send))
            try:
                yield read()
            finally:
                left.set()
                await asyncio.wait([serving])
