"""WebSocket and SPDY, byte by byte, and what an upgrade agrees upon."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

from hauberk.apiserver.http import HttpRequest
from hauberk.apiserver.streams import spdy, websocket
from hauberk.apiserver.streams.channels import Input, SpdyChannels, WebSocketChannels
from hauberk.apiserver.streams.forward import failed
from hauberk.apiserver.streams.remote import V4, V5, sizes, status_of, streams_of
from hauberk.apiserver.streams.upgrade import Upgrade, agreed
from hauberk.base.apierrors import BadRequest, Forbidden


class Wire:
    """A connection whose client has said everything already."""

    def __init__(self, *said: bytes) -> None:
        self._said, self.sent = list(said), b""

    async def read(self) -> bytes:
        return self._said.pop(0) if self._said else b""

    async def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        pass


def masked(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    size, mask = len(payload), b"\x01\x02\x03\x04"
    head = bytes(((0x80 if final else 0) | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, size)
    else:
        head += struct.pack("!BQ", 0x80 | 127, size)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def test_the_answer_to_a_key_is_that_of_the_rfc() -> None:
    assert websocket.accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
@pytest.mark.parametrize("cut", [1, 7, 1_000_000])
async def test_messages_of_every_size_arrive_however_they_are_cut(size: int, cut: int) -> None:
    payload = bytes(i % 251 for i in range(size))
    stream = masked(2, payload) + masked(2, b"next")
    step = max(cut, len(stream) // 50)
    socket = websocket.WebSocket(Wire(*(stream[i : i + step] for i in range(0, len(stream), step))))
    assert await socket.receive() == payload
    assert await socket.receive() == b"next"
    assert await socket.receive() is None


async def test_fragments_pings_and_the_end() -> None:
    wire = Wire(masked(2, b"one ", final=False) + masked(9, b"?") + masked(0, b"message") + masked(8, b""))
    socket = websocket.WebSocket(wire)
    assert await socket.receive() == b"one message"
    assert await socket.receive() is None
    assert wire.sent == b"\x8a\x01?" + b"\x88\x02\x03\xe8"
    await socket.send(b"too late")
    assert wire.sent.endswith(b"\x03\xe8")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"\x82\x01x", websocket.PROTOCOL_ERROR),  # not masked
        (b"\xf2\x81\0\0\0\0x", websocket.PROTOCOL_ERROR),  # reserved bits
        (b"\x82\xff" + struct.pack("!Q", 1 << 40) + b"\0\0\0\0", websocket.TOO_LARGE),
    ],
)
async def test_a_client_that_does_not_speak_it_is_told_and_left(said: bytes, code: int) -> None:
    wire = Wire(said)
    assert await websocket.WebSocket(wire).receive() is None
    assert wire.sent == b"\x88\x02" + struct.pack("!H", code)


async def inputs(channels: Any) -> list[Input]:
    return [one async for one in channels.inputs()]


async def test_channels_over_websocket() -> None:
    wire = Wire(
        masked(2, b"\0in"), masked(2, b"\4{}"), masked(2, b"\xff\0"), masked(2, b"\x09?"), masked(2, b"")
    )
    channels = WebSocketChannels(websocket.WebSocket(wire), ends=True)
    assert await inputs(channels) == [Input("stdin", b"in"), Input("resize", b"{}"), Input("stdin", end=True)]
    await channels.send("stderr", b"oops")
    assert wire.sent == b"\x82\x05\x02oops"


async def test_without_v5_a_stream_has_no_end_of_its_own() -> None:
    channels = WebSocketChannels(websocket.WebSocket(Wire(masked(2, b"\xff\0"))), ends=False)
    assert await inputs(channels) == []


def control(kind: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack("!HHI", 0x8003, kind, flags << 24 | len(body)) + body


class Client:
    """The other side of a SPDY session."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=spdy.DICTIONARY)

    def opens(self, stream: int, flags: int = 0, **headers: str) -> bytes:
        plain = struct.pack("!I", len(headers))
        for name, value in headers.items():
            for text in (name, value):
                plain += struct.pack("!I", len(text)) + text.encode()
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return control(spdy.SYN_STREAM, struct.pack("!IIH", stream, 0, 0) + block, flags)


def test_the_dictionary_is_the_protocols() -> None:
    assert (len(spdy.DICTIONARY), zlib.adler32(spdy.DICTIONARY)) == (1423, 0xE3C6A7C2)


@pytest.mark.parametrize("cut", [1, 5, 10_000])
def test_spdy_frames_however_they_are_cut(cut: int) -> None:
    client = Client()
    stream = (
        client.opens(1, streamtype="error", port="80")
        + client.opens(3, spdy.FIN, streamtype="data")
        + spdy.data(3, b"payload")
        + spdy.data(3, b"", fin=True)
        + control(4, b"\0\0\0\0")  # settings mean nothing here
        + control(spdy.PING, struct.pack("!I", 7))
        + control(spdy.RST_STREAM, struct.pack("!II", 1, 5))
        + control(spdy.GOAWAY, struct.pack("!II", 0, 0))
    )
    session, events = spdy.Spdy(), []
    for i in range(0, len(stream), cut):
        events += session.feed(stream[i : i + cut])
    assert events == [
        spdy.Opened(1, {"streamtype": "error", "port": "80"}, False),
        spdy.Opened(3, {"streamtype": "data"}, True),
        spdy.Data(3, b"payload", False),
        spdy.Data(3, b"", True),
        spdy.Ping(7),
        spdy.Reset(1),
        spdy.GoAway(),
    ]


@pytest.mark.parametrize("bad", [b"\x80\x02\0\1\0\0\0\0", control(spdy.SYN_STREAM, b"\0" * 10 + b"garbage")])
def test_what_is_not_spdy_is_refused(bad: bytes) -> None:
    with pytest.raises(spdy.BadSpdy):
        spdy.Spdy().feed(bad)


async def test_channels_over_spdy() -> None:
    client = Client()
    opened = (
        client.opens(1, streamtype="error") + client.opens(3, streamtype="stdin") + spdy.data(3, b"early")
    )
    wire = Wire(opened, spdy.data(3, b"in"), spdy.data(3, b"", fin=True))
    channels = SpdyChannels(wire)
    assert await channels.open(["stdin", "error"])
    assert await inputs(channels) == [
        Input("stdin", b"early"),
        Input("stdin", b"in"),
        Input("stdin", end=True),
    ]
    before = len(wire.sent)
    await channels.send("stdout", b"nobody reads it")
    await channels.send("error", b"{}")
    await channels.finish()
    assert wire.sent[before:] == spdy.data(1, b"{}") + spdy.data(1, b"", fin=True)
    assert not await SpdyChannels(Wire()).open(["error"])


def request(query: str = "", **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    flags = dict(part.partition("=")[::2] for part in query.split("&") if part)

    async def nothing() -> Any:
        raise AssertionError("no body is read")

    return HttpRequest("GET", "/", flags, named, nothing, raw_query=query)


def test_the_first_protocol_that_both_know_is_taken() -> None:
    offered = request(upgrade="websocket", sec_websocket_key="k", sec_websocket_protocol=f"v9, {V5},{V4}")
    assert agreed(offered, (V5, V4), (V4,)) == Upgrade("websocket", V5, "k")
    several = request(upgrade="SPDY/3.1", x_stream_protocol_version=f"v9\n{V4}")
    assert agreed(several, (V5,), (V4,)) == Upgrade("spdy", V4)
    assert b"X-Stream-Protocol-Version: v4.channel.k8s.io\r\n" in Upgrade("spdy", V4).answer()


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({}, BadRequest),
        ({"upgrade": "h2c"}, BadRequest),
        ({"upgrade": "websocket", "sec_websocket_protocol": V5}, BadRequest),  # without a key
        ({"upgrade": "websocket", "sec_websocket_key": "k", "sec_websocket_protocol": "v9"}, BadRequest),
        ({"upgrade": "spdy/3.1", "x_stream_protocol_version": "v1"}, Forbidden),
    ],
)
def test_what_cannot_be_agreed_upon_is_refused(headers: dict[str, str], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        agreed(request(**headers), (V5, V4), (V4,))


def test_a_terminal_has_one_output() -> None:
    wanted = streams_of(request("stdout=true&stderr=true&tty=true"))
    assert (wanted.stdout, wanted.stderr, wanted.tty) == (True, False, True)
    with pytest.raises(BadRequest, match="at least 1 of stdin, stdout, stderr"):
        streams_of(request("tty=true"))


def test_sizes_statuses_and_refusals_have_upstreams_form() -> None:
    assert sizes(b'{"Width":80,"Height":24}\n{"Width":1,"Height":2}garbage') == [(80, 24), (1, 2)]
    assert status_of(0) == {"metadata": {}, "status": "Success"}
    status = status_of(3)
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    pod = {"metadata": {"name": "p", "uid": "u"}}
    assert failed(pod, 9, "refused") == "error forwarding port 9 to pod p, uid u: refused"


def test_a_parameter_may_stand_several_times() -> None:
    assert request("command=sh&command=-c&command=a%20b").values("command") == ["sh", "-c", "a b"]
