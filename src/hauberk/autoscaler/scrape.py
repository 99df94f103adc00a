"""One HTTP/1.1 GET through a unix socket. Raises ScrapeFailed, and nothing else that is expected."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path


class ScrapeFailed(Exception):
    """No metrics came back; the text says why."""


async def fetch(
    socket: Path, path: str, headers: Mapping[str, str], *, timeout_s: float, limit: int = 1 << 20
) -> str:
    """The body of a 200 answer."""
    try:
        async with asyncio.timeout(timeout_s):
            raw = await _exchange(socket, path, headers, limit)
    except TimeoutError:
        raise ScrapeFailed(f"no answer within {timeout_s:g} s") from None
    except OSError as error:
        raise ScrapeFailed(f"{error.strerror or error}") from None
    return parse_answer(raw)


async def _exchange(socket: Path, path: str, headers: Mapping[str, str], limit: int) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write(("\r\n".join([*lines, "connection: close", "", ""])).encode())
        await writer.drain()
        out = bytearray()
        while chunk := await reader.read(65536):
            out += chunk
            if len(out) > limit:
                raise ScrapeFailed("the answer is too long")
        return bytes(out)
    finally:
        writer.close()


def parse_answer(raw: bytes) -> str:
    """The body of a whole HTTP/1.1 answer. Raises ScrapeFailed unless it is a 200."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():
        raise ScrapeFailed("not an HTTP answer")
    if any(_is_chunked(line) for line in lines[1:]):
        body = _unchunked(body)
    text = body.decode("utf-8", "replace")
    if parts[1] != "200":
        raise ScrapeFailed(f"GET request returned HTTP status {parts[1]}: {text.strip()[:200]}")
    return text


def _is_chunked(line: str) -> bool:
    name, _, value = line.partition(":")
    return name.lower() == "transfer-encoding" and "chunked" in value.lower()


def _unchunked(body: bytes) -> bytes:
    out, rest = bytearray(), body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            raise ScrapeFailed("a broken chunk") from None
        if length == 0:
            break
        out += rest[:length]
        rest = rest[length + 2 :]
    return bytes(out)
