"""Hauberk's own paths beside the Kubernetes API: `/hauberk/v1/status`, `/hauberk/v1/acked`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson

from hauberk.apiserver.auth import by_client_certificate

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[Mapping[str, str]], Awaitable[Any]]

PREFIX = "/hauberk/v1/"


@dataclass(frozen=True)
class OwnPaths:
    """The API server's application with ours in front. Ours are for administrators only."""

    api: Asgi
    answers: Mapping[str, Answer]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer our own paths; hand everything else on."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.api(scope, receive, send)
            return
        status, body = await self._answer(scope)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps(body)})

    async def _answer(self, scope: Scope) -> tuple[int, Any]:
        user = by_client_certificate({k.decode(): v.decode() for k, v in scope["headers"]})
        if user is None or not user.is_master:
            return 403, {"message": "this path is for members of system:masters"}
        answer = self.answers.get(scope["path"].removeprefix(PREFIX))
        if answer is None:
            return 404, {"message": f"no such path; there are {', '.join(sorted(self.answers))}"}
        query = {k: v[0] for k, v in parse_qs(scope["query_string"].decode()).items()}
        return 200, await answer(query)
