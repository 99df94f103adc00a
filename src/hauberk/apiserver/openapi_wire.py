"""OpenAPI v2 definitions as protobuf, which is how kubectl asks for them. Pure.

Source: google/gnostic openapiv2/OpenAPIv2.proto, messages Document, Definitions, Schema and below.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

import orjson

from hauberk.base.refs import Json

_TEXT = {"format": 2, "title": 3, "description": 4, "pattern": 13}
_WHOLE = {
    "maxLength": 11, "minLength": 12, "maxItems": 14, "minItems": 15,
    "maxProperties": 17, "minProperties": 18,
}  # fmt: skip
_NUMBER = {"maximum": 7, "minimum": 9}
_VALIDATES_ITSELF = 27
_KUBECTL = re.compile(r"kubectl[^/ ]*/v1\.(\d+)")


def wants_definitions(agent: str) -> bool:
    """Whether a client of that name is given definitions.

    kubectl before 1.27 checks objects itself by what it finds here, whatever the server would say.
    Deviation: it is given none, so that it leaves validation to the server; its `explain` fails.
    """
    found = _KUBECTL.search(agent)
    return found is None or int(found[1]) >= _VALIDATES_ITSELF


def document(info: Json, definitions: Json) -> bytes:
    """`/openapi/v2` as protobuf."""
    about = _field(1, str(info["title"]).encode()) + _field(2, str(info["version"]).encode())
    named = b"".join(_field(1, _named(name, _schema(s))) for name, s in definitions.items())
    return _field(1, b"2.0") + _field(2, about) + _field(8, b"") + _field(9, named)


def _named(name: str, content: bytes) -> bytes:
    return _field(1, name.encode()) + _field(2, content)


def _schema(schema: Json) -> bytes:
    out = []
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        out.append(_field(1, f"#/definitions/{name}".encode()))
    out += [_field(number, str(schema[key]).encode()) for key, number in _TEXT.items() if schema.get(key)]
    out += [_tag(number, 0) + _varint(schema[key]) for key, number in _WHOLE.items() if schema.get(key)]
    out += [_tag(n, 1) + struct.pack("<d", schema[key]) for key, n in _NUMBER.items() if key in schema]
    out += [_field(19, name.encode()) for name in schema.get("required") or ()]
    out += [_field(20, _any(value)) for value in schema.get("enum") or ()]
    if "default" in schema:
        out.append(_field(5, _any(schema["default"])))
    out += _parts(schema)
    out += [
        _field(31, _named(key, _any(value)))
        for key, value in schema.items()
        if key.startswith("x-kubernetes-")
    ]
    return b"".join(out)


def _parts(schema: Json) -> list[bytes]:
    out = []
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        out.append(_field(21, _field(1, _schema(more))))
    elif more is True:
        out.append(_field(21, _tag(2, 0) + b"\x01"))
    if isinstance(schema.get("type"), str):
        out.append(_field(22, _field(1, schema["type"].encode())))
    if isinstance(schema.get("items"), Mapping):
        out.append(_field(23, _field(1, _schema(schema["items"]))))
    parts = schema.get("allOf") or ()
    # A lone reference with a description of its own is one in the older notation.
    out += [_field(24, _schema(part)) for part in parts] if len(parts) > 1 else [_schema(p) for p in parts]
    if schema.get("properties"):
        named = (_field(1, _named(name, _schema(s))) for name, s in schema["properties"].items())
        out.append(_field(25, b"".join(named)))
    return out


def _any(value: Any) -> bytes:
    return _field(2, orjson.dumps(value))  # JSON is YAML


def _field(number: int, content: bytes) -> bytes:
    return _tag(number, 2) + _varint(len(content)) + content


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
