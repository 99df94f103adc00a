"""Speaks with one process of the data plane over its control socket: a contract in, what is served out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from hauberk.events.contract import Contract, Served

LIMIT_S = 10.0
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Served).decode


class Refused(Exception):
    """The process answered, but not with 200."""


async def put_contract(socket: Path, contract: Contract, *, limit_s: float = LIMIT_S) -> Served:
    """Give a process its contract; returns when it serves it.

    Raises OSError when the socket is not there, TimeoutError when it hangs, Refused for another answer.
    """
    return await _ask(socket, "PUT", _encode(contract), limit_s)


async def get_served(socket: Path, *, limit_s: float = LIMIT_S) -> Served:
    """What a process serves at this moment. Raises as `put_contract` does."""
    return await _ask(socket, "GET", b"", limit_s)


async def _ask(socket: Path, method: str, body: bytes, limit_s: float) -> Served:
    fields = ("host: hauberk", "content-type: application/json", f"content-length: {len(body)}")
    head = "\r\n".join((f"{method} /contract HTTP/1.1", *fields, "connection: close"))
    async with asyncio.timeout(limit_s):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        try:
            writer.write(f"{head}\r\n\r\n".encode() + body)
            await writer.drain()
            return _served(await _answer(reader))
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body. A connection that breaks off is an OSError."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
        length = int(fields.get("content-length", "0"))
        return int(head[0].split()[1]), await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the process closed its control socket") from error


def _served(answer: tuple[int, bytes]) -> Served:
    status, body = answer
    if status != 200:
        raise Refused(f"{status}: {body.decode(errors='replace')[:500]}")
    return _decode(body)
