"""The server's half of WebSocket: frames, pings and the end. Source: RFC 6455."""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass

from hauberk.apiserver.streams.connection import Connection

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MORE, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_LONGEST = 32 * 1024 * 1024
NORMAL, PROTOCOL_ERROR, TOO_LARGE = 1000, 1002, 1009


class BadFrame(Exception):
    """The client does not speak WebSocket. `code` is what it is told."""

    def __init__(self, why: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, unmasked."""

    final: bool
    opcode: int
    payload: bytes


def accept_of(key: str) -> str:
    """The answer to `Sec-WebSocket-Key`."""
    return base64.b64encode(hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()).decode()


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole message as the server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


class Frames:
    """Bytes in, frames out. Pure."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. BadFrame."""
        self._rest += data
        found = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def _next(self) -> Frame | None:
        rest = self._rest
        if len(rest) < 2:
            return None
        first, second = rest[0], rest[1]
        if first & 0x70:
            raise BadFrame("reserved bits are set")
        if not second & 0x80:
            raise BadFrame("a client's frame must be masked")
        size, at = second & 0x7F, 2
        if size > 125:
            width = 2 if size == 126 else 8
            if len(rest) < at + width:
                return None
            size, at = int.from_bytes(rest[at : at + width]), at + width
        if size > _LONGEST:
            raise BadFrame("the frame is too large", TOO_LARGE)
        if len(rest) < at + 4 + size:
            return None
        mask, payload = rest[at : at + 4], rest[at + 4 : at + 4 + size]
        self._rest = rest[at + 4 + size :]
        return Frame(bool(first & 0x80), first & 0x0F, unmasked(payload, mask))


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """The payload without its mask."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


class WebSocket:
    """Binary messages over a connection whose upgrade is answered."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._frames = connection, Frames()
        self._ready: list[Frame] = []
        self._part = b""
        self._closed = False

    async def receive(self) -> bytes | None:
        """The next message; None when the client has ended it. Pings are answered meanwhile."""
        while not self._closed:
            while self._ready:
                message = await self._take(self._ready.pop(0))
                if message is not None or self._closed:
                    return message
            data = await self._connection.read()
            if not data:
                return None
            try:
                self._ready += self._frames.feed(data)
            except BadFrame as bad:
                await self.close(bad.code)
        return None

    async def _take(self, one: Frame) -> bytes | None:
        if one.opcode == _CLOSE:
            await self.close()
        elif one.opcode == _PING:
            await self._connection.write(frame(_PONG, one.payload))
        elif one.opcode in (_MORE, _TEXT, _BINARY):
            self._part += one.payload
            if len(self._part) > _LONGEST:
                await self.close(TOO_LARGE)
            elif one.final:
                whole, self._part = self._part, b""
                return whole
        return None

    async def send(self, message: bytes) -> None:
        """Send one binary message."""
        if not self._closed:
            await self._connection.write(frame(_BINARY, message))

    async def close(self, code: int = NORMAL) -> None:
        """Say goodbye, once."""
        if not self._closed:
            self._closed = True
            await self._connection.write(frame(_CLOSE, struct.pack("!H", code)))


class Tunnel:
    """Bytes carried in a WebSocket's messages: kubectl's way to speak SPDY through proxies."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        """The next bytes; nothing at the end."""
        while (message := await self._socket.receive()) is not None:
            if message:
                return message
        return b""

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        await self._socket.send(data)

    def close(self) -> None:
        """Nothing: whoever made the WebSocket ends it."""
