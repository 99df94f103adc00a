"""The server's half of SPDY/3.1, as far as Kubernetes' clients speak it: they open streams with headers.

Source: SPDY protocol draft 3.1, sections 2.2 to 2.6; moby/spdystream, which has no flow control either.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FIN = 0x01
_LONGEST = 1 << 24
_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base content-encoding "
    "content-language content-length content-location content-md5 content-range content-type date etag "
    "expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since "
    "last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer "
    "retry-after server te trailer transfer-encoding upgrade user-agent vary via warning "
    "www-authenticate method get status"
)
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _dictionary() -> bytes:
    words = [
        *_WORDS.split(),
        "200 OK",
        "version",
        "HTTP/1.1",
        "url",
        "public",
        "set-cookie",
        "keep-alive",
        "origin",
    ]
    return b"".join(struct.pack("!I", len(word)) + word.encode() for word in words) + _TEXT.encode()


DICTIONARY = _dictionary()
"""What both sides know before the first header block (section 2.6.10.1)."""


class BadSpdy(Exception):
    """The client does not speak SPDY/3."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The client opens a stream."""

    stream: int
    headers: Mapping[str, str]  # lower-case names
    fin: bool


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream; `fin`: its last."""

    stream: int
    payload: bytes
    fin: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The client gives a stream up."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back as it is."""

    number: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """The client ends the session."""


Event = Opened | Data | Reset | Ping | GoAway


class Spdy:
    """Bytes in, events out; frames to send. Pure, one per connection: header blocks build on each other."""

    def __init__(self) -> None:
        self._rest = b""
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. BadSpdy."""
        self._rest += data
        found = []
        while len(self._rest) >= 8:
            size = int.from_bytes(self._rest[5:8])
            if len(self._rest) < 8 + size:
                break
            head, body = self._rest[:8], self._rest[8 : 8 + size]
            self._rest = self._rest[8 + size :]
            event = self._control(head, body) if head[0] & 0x80 else _data(head, body)
            if event is not None:
                found.append(event)
        return found

    def _control(self, head: bytes, body: bytes) -> Event | None:
        version, kind = struct.unpack("!HH", head[:4])
        if version & 0x7FFF != _VERSION:
            raise BadSpdy(f"version {version & 0x7FFF}")
        try:
            if kind == SYN_STREAM:
                return Opened(_number(body), self._headers(body[10:]), bool(head[4] & FIN))
            if kind == RST_STREAM:
                return Reset(_number(body))
            if kind == PING:
                return Ping(_number(body, 0xFFFFFFFF))
        except (struct.error, zlib.error) as error:
            raise BadSpdy(str(error)) from error
        return GoAway() if kind == GOAWAY else None

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._inflate.decompress(block, _LONGEST)
        (count,), at = struct.unpack("!I", plain[:4]), 4
        headers = {}
        for _ in range(count):
            name, at = _text(plain, at)
            headers[name.lower()], at = _text(plain, at)
        return headers

    def reply(self, stream: int, headers: Mapping[str, str] | None = None) -> bytes:
        """The answer to a stream that was opened."""
        rows = (headers or {}).items()
        plain = struct.pack("!I", len(rows))
        for name, value in rows:
            plain += b"".join(struct.pack("!I", len(t)) + t.encode() for t in (name, value))
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _frame(SYN_REPLY, struct.pack("!I", stream) + block)


def _number(body: bytes, mask: int = 0x7FFFFFFF) -> int:
    return int(struct.unpack("!I", body[:4])[0]) & mask


def _text(plain: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack("!I", plain[at : at + 4])
    return plain[at + 4 : at + 4 + size].decode("latin-1"), at + 4 + size


def _data(head: bytes, body: bytes) -> Data:
    return Data(_number(head), body, bool(head[4] & FIN))


def _frame(kind: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack("!HHI", 0x8000 | _VERSION, kind, flags << 24 | len(body)) + body


def data(stream: int, payload: bytes, *, fin: bool = False) -> bytes:
    """Bytes of a stream."""
    return struct.pack("!II", stream, (FIN if fin else 0) << 24 | len(payload)) + payload


def ping(number: int) -> bytes:
    """A ping, sent back."""
    return _frame(PING, struct.pack("!I", number))
