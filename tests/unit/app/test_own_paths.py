from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hauberk.app.asgi import OwnPaths

ADMIN = b'Subject="O=system:masters,CN=system:admin"'


async def ask(path: str, certificate: bytes = ADMIN) -> int:
    seen: list[int] = []

    async def answer(_: Mapping[str, str]) -> Any:
        return {}

    async def api(_scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(0)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(message["status"])

    async def receive() -> Any:
        return {}

    scope = {
        "type": "http",
        "path": path,
        "query_string": b"",
        "headers": [(b"x-forwarded-client-cert", certificate)],
    }
    await OwnPaths(api, {"status": answer})(scope, receive, send)
    return seen[0]


@pytest.mark.parametrize(
    ("situation", "path", "certificate", "status"),
    [
        ("ours", "/hauberk/v1/status", ADMIN, 200),
        ("not ours: the API answers", "/api/v1/pods", ADMIN, 0),
        ("unknown", "/hauberk/v1/nothing", ADMIN, 404),
        ("no certificate", "/hauberk/v1/status", b"", 403),
        ("another user", "/hauberk/v1/status", b'Subject="CN=eve,O=developers"', 403),
        ("a name that only looks like the group", "/hauberk/v1/status", b'Subject="CN=system:masters"', 403),
    ],
)
async def test_own_paths_are_for_administrators(
    situation: str, path: str, certificate: bytes, status: int
) -> None:
    assert await ask(path, certificate) == status, situation
