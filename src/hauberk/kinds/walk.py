"""What of an object has no effect: fields that are unknown, and fields that do not act yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.meta import Kind
from hauberk.kinds.shape import Shape, kind_shape

_NO_EFFECT = "has no effect on the embedded cluster yet"


def unknown(kind: Kind[Any], raw: Json) -> Iterator[str]:
    """Paths of fields that the kind does not have, such as `spec.a.b[0].c`. Status is left out."""
    if (found := kind.extra.get("unknown")) is not None:
        yield from found(raw)
        return
    for path, is_inert in _findings(kind_shape(kind), raw, ""):
        if not is_inert:
            yield path


def inert(kind: Kind[Any], raw: Json) -> Iterator[str]:
    """Paths of fields that upstream acts upon and this cluster does not. Status is left out."""
    for path, is_inert in _findings(kind_shape(kind), raw, ""):
        if is_inert:
            yield path


def warnings(kind: Kind[Any], raw: Json) -> Iterator[str]:
    """One text for each unknown or inert field. Status is left out.

    Source: of the first text, apimachinery pkg/runtime/serializer/json (strict decoding).
    """
    for path, is_inert in _findings(kind_shape(kind), raw, ""):
        yield without_effect(path) if is_inert else f'unknown field "{path}"'


def without_effect(path: str) -> str:
    """The Warning about a field that does not act."""
    return f"{path}: {_NO_EFFECT}"


def _findings(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, bool]]:
    if shape.sort == "struct" and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _field(shape, name, inner, f"{path}.{name}" if path else name)
    elif shape.sort == "map" and isinstance(value, Mapping) and _deep(shape.item):
        assert shape.item is not None, "a deep map has an item"
        for name, inner in value.items():
            yield from _findings(shape.item, inner, f"{path}.{name}")
    elif shape.sort == "list" and isinstance(value, list) and _deep(shape.item):
        assert shape.item is not None, "a deep list has an item"
        for i, inner in enumerate(value):
            yield from _findings(shape.item, inner, f"{path}[{i}]")


def _field(shape: Shape, name: str, value: Any, path: str) -> Iterator[tuple[str, bool]]:
    found = shape.fields.get(name)
    if path == "status":
        return
    if found is not None:
        yield from _findings(found, value, path)
    elif name not in shape.inert or value not in (None, [], {}, False):
        yield path, name in shape.inert


def _deep(shape: Shape | None) -> bool:
    return shape is not None and shape.sort in ("struct", "map", "list")
