"""Bodies in `application/vnd.kubernetes.protobuf`, which client-go sends for built-in kinds.

Only requests are read in it; answers are JSON, which every such client accepts too.
The field numbers are in `wire.json`, made by `scripts/wire_fields.py`.
Source: apimachinery pkg/runtime/serializer/protobuf (envelope); the modules' generated.proto.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

import orjson

from hauberk.base.apierrors import BadRequest
from hauberk.base.times import rfc3339, rfc3339_micro

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_META = "k8s.io.apimachinery.pkg.apis.meta.v1."
_MAX_DEPTH = 100
_SHARED = ("DeleteOptions",)  # kinds of every group: their message is in meta/v1

# Fields that are structs in Go and on the wire, but whose fields stand in their parent in JSON.
_INLINE = frozenset({
    "volumeSource", "persistentVolumeSource", "localObjectReference", "handler",
    "ephemeralContainerCommon", "ruleWithOperations", "rule", "ingressRuleValue",
})  # fmt: skip

Table = dict[str, dict[str, tuple[str, str, int, int]]]


def decode_protobuf(body: bytes) -> Any:
    """The object in a body, as JSON would carry it. BadRequest."""
    if not body.startswith(_MAGIC):
        raise BadRequest("provided data does not appear to be a protobuf message, expected prefix k8s\\x00")
    try:
        envelope = dict(_fields(body[len(_MAGIC) :]))
        named = {k: v.decode() for k, v in _fields(envelope.get(1, b""))}
        version, kind = named.get(1, ""), named.get(2, "")
        obj = _message(message_name(version, kind), envelope.get(2, b""), 0)
    except (ValueError, AttributeError, struct.error, IndexError, TypeError) as error:
        raise BadRequest(f"the protobuf body is malformed: {error}") from None
    return {"apiVersion": version, "kind": kind, **obj}


def message_name(api_version: str, kind: str) -> str:
    """The message of a kind: `apps/v1`, `Deployment` → `k8s.io.api.apps.v1.Deployment`."""
    if kind in _SHARED:
        return _META + kind
    group, _, version = api_version.rpartition("/")
    package = group.removesuffix(".k8s.io").split(".")[0] or "core"
    name = f"k8s.io.api.{package}.{version}.{kind}"
    if name not in _table():
        raise BadRequest(f'no protobuf form of kind "{kind}" in version "{api_version}" is known; send JSON')
    return name


@lru_cache(maxsize=1)
def _table() -> Table:
    text = resources.files("hauberk.apiserver").joinpath("wire.json").read_bytes()
    found: Table = orjson.loads(text)
    return found


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values of one message: ints, or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
                yield tag >> 3, value
            case 1:
                yield tag >> 3, data[at : at + 8]
                at += 8
            case 2:
                size, at = _varint(data, at)
                if at + size > len(data):
                    raise ValueError("a field is longer than its message")
                yield tag >> 3, data[at : at + size]
                at += size
            case 5:
                yield tag >> 3, data[at : at + 4]
                at += 4
            case wire:
                raise ValueError(f"wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")


def _message(name: str, data: bytes, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    rows = _table().get(name, {})
    out: dict[str, Any] = {}
    for number, raw in _fields(data):
        row = rows.get(str(number))
        if row is None:
            continue  # a field of a newer API: dropped, as upstream does
        field, type_, sort, keep = row
        if sort == 2:
            key, value = _entry(type_, raw, depth)
            out.setdefault(field, {})[key] = value
            continue
        value = _value(type_, raw, depth)
        if sort == 1:
            out.setdefault(field, []).append(value)
        elif field in _INLINE and isinstance(value, dict):
            out.update(value)
        elif keep or value not in (None, "", 0, False, {}):
            out[field] = value
    return {k: v for k, v in out.items() if v is not None}


def _entry(type_: str, raw: bytes, depth: int) -> tuple[str, Any]:
    pair = dict(_fields(raw))
    return pair.get(1, b"").decode(), _value(type_, pair.get(2, b""), depth)


def _value(type_: str, raw: Any, depth: int) -> Any:
    match type_:
        case "string":
            return raw.decode()
        case "bytes":
            return base64.b64encode(raw).decode()
        case "bool":
            return bool(raw)
        case "int32" | "int64":
            return raw - (1 << 64) if raw >= 1 << 63 else raw
        case "uint32" | "uint64":
            return raw
        case "double":
            return struct.unpack("<d", raw)[0]
        case _:
            pass
    special = _SPECIAL.get(type_)
    if special is not None:
        return special(dict(_fields(raw)))
    return _message(type_, raw, depth + 1)


def _time(fields: dict[int, Any]) -> str | None:
    return rfc3339(fields[1]) if fields.get(1) else None


def _micro_time(fields: dict[int, Any]) -> str | None:
    return rfc3339_micro(fields[1] + fields.get(2, 0) / 1e9) if fields.get(1) else None


def _int_or_string(fields: dict[int, Any]) -> int | str:
    if fields.get(1):
        return str(fields.get(3, b"").decode())
    return int(_value("int32", fields.get(2, 0), 0))


def _raw_json(fields: dict[int, Any]) -> Any:
    return orjson.loads(fields[1]) if fields.get(1) else {}


_SPECIAL = {
    f"{_META}Time": _time,
    f"{_META}MicroTime": _micro_time,
    f"{_META}FieldsV1": _raw_json,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _raw_json,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": lambda fields: fields.get(1, b"").decode(),
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
}
