"""Events as Kafka records and back. Pure.

Source: cloudevents/spec v1.0.2 bindings/kafka-protocol-binding.md; knative-extensions/eventing-kafka-broker
data-plane core PartitionKey.java, dispatcher InvalidCloudEventInterceptor.java and KeyDeserializer.java.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, cast, get_args

from hauberk.events.event import BadEvent, Event, parse, to_structured

Headers: TypeAlias = list[tuple[str, bytes]]
KeyType: TypeAlias = Literal["string", "int", "float", "byte-array"]
KEY_TYPES: tuple[str, ...] = get_args(KeyType)
TYPE = "dev.knative.kafka.event"
_CONTENT_TYPE = "content-type"
_PREFIX = "ce_"
_KEY = "partitionkey"


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed to a producer: key, value and headers of one record."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Received:
    """One record as a consumer got it. `timestamp` is in milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def to_message(event: Event, mode: Literal["binary", "structured"] = "binary") -> Message:
    """The record of an event: its key is the extension `partitionkey`."""
    text = event.attributes.get(_KEY)
    key = None if text is None else text.encode()
    if mode == "structured":
        headers, body = to_structured(event)
        return Message(key, body, [(name, value.encode()) for name, value in headers])
    rows = [
        (_CONTENT_TYPE if name == "datacontenttype" else _PREFIX + name, value.encode())
        for name, value in event.attributes.items()
    ]
    return Message(key, event.data or None, rows)


def to_event(record: Received, source: str = "", key_type: str = "") -> Event:
    """The event in a record.

    A record that is no CloudEvent becomes one of type `dev.knative.kafka.event` when `source` says of whom
    (its source without the topic), else BadEvent. `key_type` says how such a record's key is read.
    """
    headers = {name.lower(): value for name, value in record.headers}
    try:
        if headers.get(_CONTENT_TYPE, b"").startswith(b"application/cloudevents+"):
            content_type = headers[_CONTENT_TYPE].decode()
            return parse({_CONTENT_TYPE: content_type}, record.value or b"")
        if "ce_specversion" in headers:
            return _binary(headers, record.value or b"")
        raise BadEvent("the record is not a CloudEvent")
    except (BadEvent, UnicodeDecodeError) as error:
        if source:
            return _made(record, source, key_type)
        raise BadEvent(str(error)) from error


def _binary(headers: dict[str, bytes], body: bytes) -> Event:
    rows = {f"ce-{name[3:]}": value.decode() for name, value in headers.items() if name.startswith(_PREFIX)}
    if _CONTENT_TYPE in headers:
        rows[_CONTENT_TYPE] = headers[_CONTENT_TYPE].decode()
    return parse({k: v.replace("%", "%25") if k != _CONTENT_TYPE else v for k, v in rows.items()}, body)


def _made(record: Received, source: str, key_type: str) -> Event:
    """An event made of a record. Deviation: a key in bytes is base64, where upstream prints Java's array."""
    when = datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    attributes = {
        "specversion": "1.0",
        "id": f"partition:{record.partition}/offset:{record.offset}",
        "type": TYPE,
        "source": f"{source}#{record.topic}",
        "subject": f"partition:{record.partition}#{record.offset}",
        "time": when.replace("+00:00", "Z"),
    }
    if record.key is not None:
        attributes["key"] = attributes[_KEY] = key_text(record.key, key_type)
    for name, value in record.headers:
        if name.lower() == _CONTENT_TYPE:
            attributes["datacontenttype"] = value.decode(errors="replace").lower()
        elif said := "".join(_allowed(name.lower())):
            attributes[f"kafkaheader{said}"] = (value or b"").decode(errors="replace")
    return Event(attributes, record.value or b"")


def _allowed(name: str) -> Iterable[str]:
    return (c for c in name if c.isascii() and c.isalnum())


def key_text(key: bytes, key_type: str) -> str:
    """A record's key as an attribute.

    | key type   | length   | read as                    |
    |------------|----------|----------------------------|
    | int        | 4        | signed, big-endian         |
    | float      | 4 or 8   | IEEE 754, big-endian       |
    | byte-array | any      | base64                     |
    | otherwise  | any      | UTF-8                      |

    A key of another length than its type has is read as UTF-8.
    """
    kind = cast("KeyType", key_type)
    if kind == "int" and len(key) == 4:
        return str(int.from_bytes(key, "big", signed=True))
    if kind == "float" and len(key) in (4, 8):
        (number,) = struct.unpack(">f" if len(key) == 4 else ">d", key)
        return repr(number)
    if kind == "byte-array":
        return base64.b64encode(key).decode()
    return key.decode(errors="replace")
