"""Reading one proxy over its admin socket: memory, state, statistics, configuration, certificates.

Every call is one short HTTP/1.1 exchange on the unix socket and only reads, but for `drain`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

_LIMIT_S = 3.0


class AdminError(Exception):
    """The proxy answered, but not with 200."""


class Admin:
    """The admin socket of one proxy. Raises OSError when it is not there, TimeoutError when it hangs."""

    def __init__(self, socket: Path, *, limit_s: float = _LIMIT_S) -> None:
        self._socket, self._limit_s = socket, limit_s

    async def server_info(self) -> dict[str, Any]:
        """Version, state (`LIVE`, `INITIALIZING`, `DRAINING`, …), uptime."""
        return await self._json("/server_info")

    async def memory(self) -> dict[str, Any]:
        """Bytes in use, as decimal text: `allocated`, `heap_size`, …."""
        return await self._json("/memory")

    async def certs(self) -> dict[str, Any]:
        """The certificates in use, with their lifetimes."""
        return await self._json("/certs")

    async def config_dump(self, *, endpoints: bool = False) -> dict[str, Any]:
        """The whole configuration; private keys are redacted by Envoy."""
        return await self._json("/config_dump?include_eds" if endpoints else "/config_dump")

    async def clusters(self) -> dict[str, Any]:
        """Every cluster's hosts and their health."""
        return await self._json("/clusters?format=json")

    async def stats(self, pattern: str = "") -> dict[str, float | str]:
        """Counters, gauges and texts whose name matches the regular expression."""
        query = f"&filter={quote(pattern)}" if pattern else ""
        rows = (await self._json(f"/stats?format=json{query}"))["stats"]
        return {row["name"]: row["value"] for row in rows if "name" in row}

    async def drain(self) -> None:
        """Begin to close listeners gracefully."""
        await self._ask("/drain_listeners?graceful", method="POST")

    async def is_ready(self) -> bool:
        """Whether the proxy has its configuration and serves."""
        try:
            await self._ask("/ready")
        except (AdminError, OSError, TimeoutError):
            return False
        return True

    async def _json(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self._ask(path))
        return found

    async def _ask(self, path: str, *, method: str = "GET") -> bytes:
        async with asyncio.timeout(self._limit_s):
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
            try:
                writer.write(f"{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
                await writer.drain()
                answer = await reader.read(-1)
            finally:
                writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"]:
            line = head.split(b"\r\n", 1)[0].decode(errors="replace")
            raise AdminError(f"{method} {path}: {line or 'no answer'}")
        return unchunked(body) if b"transfer-encoding: chunked" in head.lower() else body


def unchunked(body: bytes) -> bytes:
    """The content of a body in chunks (RFC 9112, 7.1). A cut body ends early."""
    parts: list[bytes] = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if not length:
            break
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(parts)
