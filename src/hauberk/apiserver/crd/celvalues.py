"""Objects as CEL sees them through a schema: names escaped, formats and numbers typed.

Source: apiserver pkg/cel/common/values.go, pkg/cel/escaping.go; KEP-2876.
Deviation: lists that are sets or maps compare and add as plain lists.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from hauberk.base.quantities import parse_duration_s
from hauberk.base.refs import Json
from hauberk.base.times import epoch

Convert = Callable[[Any], Any]
_RESERVED = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
    "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
})  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))


def escaped(name: str) -> str | None:
    """A field's name in expressions; None when it cannot be written there."""
    if name in _RESERVED:
        return f"__{name}__"
    for mark, instead in _ESCAPES:
        name = name.replace(mark, instead)
    return name if _IDENTIFIER.fullmatch(name) else None


def converter(schema: Json) -> Convert | None:
    """What makes values of the schema CEL's; None when they are as they come."""
    kind = schema.get("type")
    if kind == "string":
        return _FORMATS.get(schema.get("format") or "")
    if kind == "number":
        return lambda v: float(v) if isinstance(v, int) and not isinstance(v, bool) else v
    if kind == "integer":
        return lambda v: int(v) if isinstance(v, float) else v
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        inner = converter(schema["items"])
        return None if inner is None else lambda v: [inner(i) for i in v] if isinstance(v, list) else v
    return _of_object(schema)


def _of_object(schema: Json) -> Convert | None:
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        inner = converter(others)
        if inner is None:
            return None
        return lambda v: {k: inner(x) for k, x in v.items()} if isinstance(v, Mapping) else v
    fields: Json = schema.get("properties") or {}
    names = {name: text for name in fields if (text := escaped(name)) != name and text is not None}
    inside = {name: found for name, one in fields.items() if (found := converter(one)) is not None}
    if not names and not inside:
        return None

    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {names.get(k, k): inside[k](v) if k in inside else v for k, v in value.items()}

    return convert


def _time(value: Any) -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp  # the library takes no other times

    try:
        seconds = epoch(value)
    except (ValueError, TypeError):
        return value
    return Timestamp(seconds=int(seconds // 1), nanos=round(seconds % 1 * 1e9))


def _date(value: Any) -> Any:
    return _time(f"{value}T00:00:00Z") if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    from google.protobuf.duration_pb2 import Duration

    try:
        seconds = parse_duration_s(value)
    except (ValueError, TypeError, AttributeError):
        return value
    return Duration(seconds=int(seconds), nanos=round((seconds - int(seconds)) * 1e9))


def _bytes(value: Any) -> Any:
    try:
        return base64.b64decode(value)
    except (ValueError, TypeError):
        return value


_FORMATS: Mapping[str, Convert] = {
    "date-time": _time,
    "datetime": _time,
    "date": _date,
    "duration": _duration,
    "byte": _bytes,
}
