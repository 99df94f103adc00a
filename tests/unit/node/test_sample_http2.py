from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

import h2.config
import h2.connection
import h2.events
import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.node.images.table import SAMPLES

sys.path.insert(0, str(SAMPLES))
http2: Any = importlib.import_module("http2")
fields: Any = importlib.import_module("http2_fields")
sys.path.remove(str(SAMPLES))

REQUEST = [(":method", "POST"), (":path", "/a?b"), (":scheme", "http"), (":authority", "x"), ("k", "v")]
names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


class Pair:
    """The session and a client that knows the standard, joined."""

    def __init__(self) -> None:
        self.session = http2.Session()
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.client.initiate_connection()
        self.buffer = bytearray()
        self.requests: list[Any] = []
        self.events: list[Any] = []
        self.turn()

    def turn(self, *, piecewise: bool = False) -> None:
        """Carry bytes both ways until nothing moves."""
        while True:
            sent = self.client.data_to_send().removeprefix(http2.PREFACE)
            for piece in (bytes([b]) for b in sent) if piecewise else (sent,):
                self.buffer += piece
                self.requests += self.session.receive(self.buffer)
            back = bytes(self.session.out)
            self.session.out.clear()
            if not sent and not back:
                return
            for event in self.client.receive_data(back):
                self.events.append(event)
                if isinstance(event, h2.events.DataReceived):
                    self.client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def ask(self, body: bytes) -> int:
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, REQUEST, end_stream=not body)
        if body:
            self.client.send_data(stream, body, end_stream=True, pad_length=3)
        return int(stream)

    def got(self, kind: type) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]


@pytest.mark.parametrize("piecewise", [False, True])
@pytest.mark.parametrize("body", [b"", b"hi"])
def test_a_request_arrives_whole_however_it_is_cut(body: bytes, piecewise: bool) -> None:
    pair = Pair()
    stream = pair.ask(body)
    pair.turn(piecewise=piecewise)
    headers = {"k": "v", "host": "x"}
    assert pair.requests == [(stream, http2.Received("POST", "/a?b", headers, body))]


def test_answers_may_come_in_another_order_and_larger_than_the_windows() -> None:
    pair = Pair()
    first, second = pair.ask(b""), pair.ask(b"")
    pair.turn()
    large = b"x" * 300_000
    pair.session.respond(second, 200, "text/plain", large, head_only=False)
    pair.session.respond(first, 404, "text/plain", b"no", head_only=False)
    pair.turn()
    bodies = dict.fromkeys((first, second), b"")
    for event in pair.got(h2.events.DataReceived):
        bodies[event.stream_id] += event.data
    assert bodies == {first: b"no", second: large}
    assert len(pair.got(h2.events.StreamEnded)) == 2
    assert not pair.session.is_busy


def test_a_cancelled_request_is_not_answered() -> None:
    pair = Pair()
    stream = pair.ask(b"")
    pair.turn()
    pair.client.reset_stream(stream)
    pair.turn()
    pair.session.respond(stream, 200, "text/plain", b"late", head_only=False)
    pair.turn()
    assert not pair.got(h2.events.ResponseReceived)


def test_leaving_is_told_and_pings_are_answered() -> None:
    pair = Pair()
    pair.client.ping(b"12345678")
    pair.turn()
    pair.session.leave()
    pair.turn()
    assert pair.got(h2.events.PingAckReceived)
    assert pair.got(h2.events.ConnectionTerminated)[0].error_code == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\0\0\0\0\0\1",  # a frame longer than agreed
        b"\0\0\1\1\4\0\0\0\1\x80",  # header field 0
        b"\0\0\1\1\4\0\0\0\2\x82",  # a stream that only servers open
        b"\0\0\1\1\0\0\0\0\1\x82" + b"\0\0\0\0\0\0\0\0\1",  # a header block that is interrupted
        b"\0\0\0\x09\4\0\0\0\1",  # a continuation of nothing
        b"\0\0\1\x08\0\0\0\0\0\1",  # a window update cut short
    ],
)
def test_what_is_no_http2_is_refused(data: bytes) -> None:
    with pytest.raises(http2.Broken):
        list(http2.Session().receive(bytearray(data)))


@given(st.lists(st.lists(st.tuples(names, values)), max_size=4), st.booleans())
def test_fields_are_read_as_the_standards_encoder_writes_them(blocks: list[Any], huffman: bool) -> None:
    encoder, decoder = hpack.Encoder(), fields.Decoder()
    for block in blocks:
        raw = [(n.encode(), v.encode("latin-1")) for n, v in block]
        assert decoder.decode(encoder.encode(raw, huffman=huffman)) == block


@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with contextlib.suppress(fields.Undecodable):
        fields.Decoder().decode(data)


@pytest.mark.parametrize("size", [0, 126, 127, 128, 400])
def test_written_fields_are_read_by_the_standards_decoder(size: int) -> None:
    written = fields.encode([(":status", "200"), ("content-length", "1" * size)])
    assert hpack.Decoder().decode(written) == [(":status", "200"), ("content-length", "1" * size)]
