"""Events as Kafka records and back, and which offsets may be committed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.dataplane.kafka.offsets import Partition
from hauberk.dataplane.kafka.record import Received, key_text, to_event, to_message
from hauberk.events.event import BadEvent, Event

EVENT = Event(
    {
        "specversion": "1.0",
        "id": "1",
        "type": "t",
        "source": "/s",
        "datacontenttype": "text/plain",
        "x": "50%41",
    },
    b"hello",
)
SOURCE = "/apis/v1/namespaces/n/kafkasources/k"


def record(key: bytes | None, value: bytes | None, *headers: tuple[str, bytes]) -> Received:
    return Received("topic", 3, 7, 1_700_000_000_000, key, value, headers)


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_an_event_survives_its_record(mode: str) -> None:
    message = to_message(EVENT, mode)  # type: ignore[arg-type]
    assert to_event(record(message.key, message.value, *message.headers)) == EVENT


def test_the_binary_form_has_a_header_for_each_attribute() -> None:
    message = to_message(EVENT)
    assert ("ce_id", b"1") in message.headers
    assert ("content-type", b"text/plain") in message.headers
    assert message.value == b"hello"


@pytest.mark.parametrize(("text", "key"), [(None, None), ("a", b"a")])
def test_the_extension_partitionkey_is_the_key(text: str | None, key: bytes | None) -> None:
    event = EVENT if text is None else EVENT.using(partitionkey=text)
    assert to_message(event).key == key


def test_a_plain_record_becomes_an_event_of_its_source() -> None:
    plain = record(b"k", b"{}", ("My-Header", b"v"), ("content-type", b"Application/JSON"))
    assert to_event(plain, SOURCE) == Event(
        {
            "specversion": "1.0",
            "id": "partition:3/offset:7",
            "type": "dev.knative.kafka.event",
            "source": f"{SOURCE}#topic",
            "subject": "partition:3#7",
            "time": "2023-11-14T22:13:20.000Z",
            "key": "k",
            "partitionkey": "k",
            "kafkaheadermyheader": "v",
            "datacontenttype": "application/json",
        },
        b"{}",
    )


@pytest.mark.parametrize(
    "bad",
    [
        record(None, b"x"),
        record(None, b"x", ("ce_specversion", b"1.0")),
        record(None, b"not json", ("content-type", b"application/cloudevents+json")),
        record(None, b"x", ("ce_specversion", b"\xff")),
    ],
)
def test_what_is_no_event_is_refused_without_a_source_and_wrapped_with_one(bad: Received) -> None:
    with pytest.raises(BadEvent):
        to_event(bad)
    assert to_event(bad, SOURCE).type == "dev.knative.kafka.event"


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        (b"abc", "", "abc"),
        (b"abc", "string", "abc"),
        (b"\xff", "string", "�"),
        ((-5).to_bytes(4, "big", signed=True), "int", "-5"),
        (b"12345", "int", "12345"),
        (struct.pack(">f", 1.5), "float", "1.5"),
        (struct.pack(">d", 0.1), "float", "0.1"),
        (b"\x00\x01", "byte-array", "AAE="),
    ],
)
def test_keys_are_read_by_their_type(key: bytes, kind: str, text: str) -> None:
    assert key_text(key, kind) == text


def test_a_position_waits_for_the_oldest_record() -> None:
    partition = Partition(10)
    for offset in (10, 11, 12):
        partition.take(offset)
    partition.end(12)
    partition.end(11)
    assert partition.position == 10
    partition.end(10)
    assert partition.position == 13


def test_offsets_that_carry_no_record_do_not_hold_a_position_back() -> None:
    partition = Partition(0)
    partition.take(0)
    partition.take(5)  # 1 to 4 were compacted away
    partition.end(0)
    assert partition.position == 5


@given(st.lists(st.integers(0, 60), unique=True, min_size=1).map(sorted), st.randoms())
def test_nothing_is_ever_committed_before_it_ended(offsets: list[int], random: object) -> None:
    partition = Partition(offsets[0])
    for offset in offsets:
        partition.take(offset)
    order = list(offsets)
    random.shuffle(order)  # type: ignore[attr-defined]
    ended: set[int] = set()
    for offset in order:
        partition.end(offset)
        ended.add(offset)
        assert all(o in ended for o in offsets if o < partition.position)
    assert partition.position == offsets[-1] + 1
    assert partition.open == 0
