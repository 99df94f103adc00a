"""HTTP/2 without TLS (h2c with prior knowledge) for the samples: a connection as bytes in, bytes out.

Several requests at a time, bodies both ways, flow control, GOAWAY. Nothing is pushed, priorities are ignored.
Source: RFC 9113.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from http2_fields import Decoder, Undecodable, encode  # type: ignore[import-not-found]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _PRIORITY, _RESET, _SETTINGS, _PUSH, _PING, _GOAWAY, _WINDOW, _CONTINUATION = range(10)
_END_STREAM = _ACK = 0x1
_END_HEADERS, _PADDED, _WITH_PRIORITY = 0x4, 0x8, 0x20
_LONGEST = 16384  # bytes of a frame that nobody has to agree to
_USUAL_WINDOW = 65535
_INITIAL_WINDOW = 0x4  # a setting's number
_PROTOCOL, _SIZE, _COMPRESSION = 0x1, 0x6, 0x9  # error codes
_MAX_BODY = 64 * 1024 * 1024


class Broken(Exception):
    """The peer does not speak HTTP/2: the connection ends with this error code."""

    def __init__(self, what: str, code: int = _PROTOCOL) -> None:
        super().__init__(what)
        self.code = code


class Received(NamedTuple):
    """One whole request. `headers` by lower-case name, without the pseudo headers."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class _Stream:
    def __init__(self, window: int) -> None:
        self.fields: list[tuple[str, str]] = []
        self.body = bytearray()
        self.window = window
        self.left: bytes | None = None  # of the response's body; None: no response yet

    def request(self) -> Received:
        pseudo = {n: v for n, v in self.fields if n.startswith(":")}
        headers = {n: v for n, v in self.fields if not n.startswith(":")}
        headers.setdefault("host", pseudo.get(":authority", ""))
        return Received(pseudo.get(":method", ""), pseudo.get(":path", "/"), headers, bytes(self.body))


class Session:
    """One connection, after its preface. `out` is what is to be sent."""

    def __init__(self) -> None:
        self.out = bytearray(_frame(_SETTINGS, 0, 0, b""))
        self._decoder = Decoder()
        self._streams: dict[int, _Stream] = {}
        self._last = 0
        self._block: tuple[int, int, bytearray] | None = None  # stream, flags, header block so far
        self._window = self._initial = _USUAL_WINDOW

    @property
    def is_busy(self) -> bool:
        """Whether a request is in hand."""
        return bool(self._streams)

    def receive(self, data: bytearray) -> Iterator[tuple[int, Received]]:
        """Take whole frames off the front; yields each whole request with its stream. Raises Broken."""
        while len(data) >= 9:
            size, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
            stream = int.from_bytes(data[5:9], "big") & 0x7FFFFFFF
            if size > _LONGEST:
                raise Broken("frame too long", _SIZE)
            if len(data) < 9 + size:
                return
            payload = bytes(data[9 : 9 + size])
            del data[: 9 + size]
            if self._is_whole(kind, flags, stream, payload):
                yield stream, self._streams[stream].request()

    def _is_whole(self, kind: int, flags: int, stream: int, payload: bytes) -> bool:
        """Take one frame; whether it ends a request."""
        if self._block is not None and (kind != _CONTINUATION or self._block[0] != stream):
            raise Broken("header block interrupted")
        takes: dict[int, Callable[[int, int, bytes], bool]] = {
            _DATA: self._data,
            _HEADERS: self._headers,
            _RESET: self._reset,
            _SETTINGS: self._settings,
            _PING: self._ping,
            _WINDOW: self._more_window,
            _CONTINUATION: self._continued,
        }
        try:
            return kind in takes and takes[kind](flags, stream, payload)
        except (struct.error, IndexError):
            raise Broken("frame cut short", _SIZE) from None
        except Undecodable as error:
            raise Broken(str(error), _COMPRESSION) from None

    def _headers(self, flags: int, stream: int, payload: bytes) -> bool:
        if not stream % 2 or (stream <= self._last and stream not in self._streams):
            raise Broken("stream number")
        payload = _unpadded(flags, payload)[5 if flags & _WITH_PRIORITY else 0 :]
        self._block = (stream, flags, bytearray(payload))
        return self._blocked() if flags & _END_HEADERS else False

    def _continued(self, flags: int, stream: int, payload: bytes) -> bool:  # noqa: ARG002 - as the others
        if self._block is None:
            raise Broken("nothing to continue")
        self._block[2].extend(payload)
        if len(self._block[2]) > _USUAL_WINDOW:
            raise Broken("headers too long")
        return self._blocked() if flags & _END_HEADERS else False

    def _blocked(self) -> bool:
        """A header block is whole: of a request's beginning, or of its trailers."""
        assert self._block is not None, "asked only at its end"
        number, flags, block = self._block
        self._block = None
        fields = self._decoder.decode(bytes(block))
        stream = self._streams.get(number)
        if stream is None:
            stream = self._streams[number] = _Stream(self._initial)
            stream.fields = fields
            self._last = number
        return bool(flags & _END_STREAM)

    def _data(self, flags: int, stream: int, payload: bytes) -> bool:
        found = self._streams.get(stream)
        if payload:  # what was taken may be sent again
            self.out += _frame(_WINDOW, 0, 0, struct.pack(">I", len(payload)))
        if found is None:
            return False
        found.body += _unpadded(flags, payload)
        if len(found.body) > _MAX_BODY:
            raise Broken("body too long")
        if payload and not flags & _END_STREAM:
            self.out += _frame(_WINDOW, 0, stream, struct.pack(">I", len(payload)))
        return bool(flags & _END_STREAM)

    def _reset(self, flags: int, stream: int, payload: bytes) -> bool:  # noqa: ARG002 - as the others
        self._streams.pop(stream, None)
        return False

    def _settings(self, flags: int, stream: int, payload: bytes) -> bool:  # noqa: ARG002 - as the others
        if flags & _ACK:
            return False
        for number, value in struct.iter_unpack(">HI", payload):
            if number == _INITIAL_WINDOW:
                for open_stream in self._streams.values():
                    open_stream.window += value - self._initial
                self._initial = value
        self.out += _frame(_SETTINGS, _ACK, 0, b"")
        self._send_left()
        return False

    def _ping(self, flags: int, stream: int, payload: bytes) -> bool:  # noqa: ARG002 - as the others
        if not flags & _ACK:
            self.out += _frame(_PING, _ACK, 0, payload)
        return False

    def _more_window(self, flags: int, stream: int, payload: bytes) -> bool:  # noqa: ARG002 - as the others
        (more,) = struct.unpack(">I", payload)
        if not stream:
            self._window += more
        elif stream in self._streams:
            self._streams[stream].window += more
        self._send_left()
        return False

    def respond(self, stream: int, status: int, content_type: str, body: bytes, *, head_only: bool) -> None:
        """Answer a request; what the windows do not let through yet follows as they open."""
        found = self._streams.get(stream)
        if found is None:  # it was cancelled
            return
        fields = [
            (":status", str(status)),
            ("content-type", content_type),
            ("content-length", str(len(body))),
        ]
        found.left = b"" if head_only else body
        flags = _END_HEADERS | (0 if found.left else _END_STREAM)
        self.out += _frame(_HEADERS, flags, stream, encode(fields))
        if not found.left:
            del self._streams[stream]
        self._send_left()

    def _send_left(self) -> None:
        for number, stream in tuple(self._streams.items()):
            while stream.left and (size := min(_LONGEST, self._window, stream.window, len(stream.left))) > 0:
                piece, stream.left = stream.left[:size], stream.left[size:]
                self._window -= size
                stream.window -= size
                self.out += _frame(_DATA, 0 if stream.left else _END_STREAM, number, piece)
            if stream.left == b"":
                del self._streams[number]

    def leave(self, code: int = 0) -> None:
        """Say that no further request will be served."""
        self.out += _frame(_GOAWAY, 0, 0, struct.pack(">II", self._last, code))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _unpadded(flags: int, payload: bytes) -> bytes:
    return payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload
