"""OpenAPI v3 schemas of the kinds, from their model types.

Fields that do not act are listed too, free-form, so that `kubectl explain` shows that they
exist and says what they do here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import inspect

from hauberk.kinds.meta import Kind
from hauberk.kinds.shape import Shape, kind_shape, meta_shape

_SCALARS: Mapping[type, dict[str, Any]] = {
    inspect.StrType: {"type": "string"},
    inspect.IntType: {"type": "integer", "format": "int64"},
    inspect.FloatType: {"type": "number", "format": "double"},
    inspect.BoolType: {"type": "boolean"},
    inspect.BytesType: {"type": "string", "format": "byte"},
    inspect.DateTimeType: {"type": "string", "format": "date-time"},
}
_LIMITS = {
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
_INERT = "Accepted; has no effect on the embedded cluster yet."
_FREE = {"x-kubernetes-preserve-unknown-fields": True}
META_NAME = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def openapi(kind: Kind[Any]) -> dict[str, Any]:
    """The schema components of a kind by their names; the kind's own comes first."""
    if (make := kind.extra.get("openapi")) is not None:
        made: dict[str, Any] = make(kind)
        return made
    parts: dict[str, Any] = {}
    root = dict(_struct(kind_shape(kind), _prefix(kind), parts, ()))
    root["description"] = (
        kind.doc or root.get("description") or f"{kind.name} of {kind.group or 'the core group'}."
    )
    root["properties"] = {
        "apiVersion": {"type": "string", "description": "The versioned schema of this representation."},
        "kind": {"type": "string", "description": "What this object represents."},
        **{k: v for k, v in root["properties"].items() if k not in ("apiVersion", "kind")},
    }
    root["x-kubernetes-group-version-kind"] = [
        {"group": kind.group, "kind": kind.name, "version": version} for version in kind.versions
    ]
    return {component_name(kind): root, **parts, META_NAME: meta_document()}


def component_name(kind: Kind[Any]) -> str:
    """The name of a kind's schema, reversed domain first as upstream."""
    if name := kind.extra.get("component"):
        return str(name)
    return f"{_prefix(kind)}.{kind.name}"


def _prefix(kind: Kind[Any]) -> str:
    version = kind.versions[0]
    if kind.builtin:
        return f"io.k8s.api.{kind.group.split('.')[0] or 'core'}.{version}"
    return ".".join([*reversed(kind.group.split(".")), version])


def meta_document() -> dict[str, Any]:
    """The schema of ObjectMeta."""
    shape = meta_shape()
    fields = {name: _inline(inner, "", {}, ()) for name, inner in shape.fields.items()}
    owner = shape.fields["ownerReferences"].item
    assert owner is not None, "a list has items"
    fields["ownerReferences"]["items"] = {
        "type": "object",
        "properties": {name: _inline(inner, "", {}, ()) for name, inner in owner.fields.items()},
    }
    return {"type": "object", "description": shape.description, "properties": fields}


def _struct(shape: Shape, prefix: str, parts: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, inner in shape.fields.items():
        fields[name] = _inline(inner, prefix, parts, (*path, name))
    for name in sorted(shape.inert):
        fields.setdefault(name, {"description": _INERT, **_FREE})
    out: dict[str, Any] = {"type": "object", "properties": fields}
    if shape.description:
        out["description"] = shape.description
    if shape.required:
        out["required"] = sorted(shape.required)
    return out


def _inline(shape: Shape, prefix: str, parts: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    out: dict[str, Any] = {"description": shape.description} if shape.description else {}
    if shape is meta_shape():
        return {"description": shape.description, "allOf": [{"$ref": f"#/components/schemas/{META_NAME}"}]}
    match shape.sort:
        case "struct":
            part = _part(shape, prefix, parts, path)
            if out.get("description") == parts[part].get("description"):
                out = {}  # kubectl would print it twice
            return {**out, "allOf": [{"$ref": f"#/components/schemas/{part}"}]}
        case "map":
            return {**out, "type": "object", "additionalProperties": _item(shape, prefix, parts, path)}
        case "list":
            return {**out, "type": "array", "items": _item(shape, prefix, parts, path), **_list_marks(shape)}
        case "scalar":
            return {**_scalar(shape.type), **out}
        case _:
            return {**out, **({"type": "object"} if shape.fields else {}), **_FREE}


def _item(shape: Shape, prefix: str, parts: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    return dict(_FREE) if shape.item is None else _inline(shape.item, prefix, parts, path)


def _part(shape: Shape, prefix: str, parts: dict[str, Any], path: tuple[str, ...]) -> str:
    """Put a struct among the components, once, and return its name."""
    assert isinstance(shape.type, inspect.StructType), f"{'.'.join(path)} is a struct"
    name = f"{prefix}.{shape.type.cls.__name__}"
    if name not in parts:
        parts[name] = {}  # a struct may contain itself
        parts[name] = _struct(shape, prefix, parts, path)
    return name


def _list_marks(shape: Shape) -> dict[str, Any]:
    if shape.keys is None:
        return {"x-kubernetes-list-type": "atomic"}
    if not shape.keys:
        return {"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"}
    return {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": list(shape.keys),
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": shape.keys[0],
    }


def _scalar(type_: inspect.Type | None) -> dict[str, Any]:
    match type_:
        case None:
            return {"type": "string"}
        case inspect.Metadata():
            return _scalar(type_.type)
        case inspect.LiteralType():
            return {"type": "string", "enum": [v for v in type_.values if isinstance(v, str)]}
        case inspect.UnionType():
            kinds = {type(t.type if isinstance(t, inspect.Metadata) else t) for t in type_.types}
            if kinds == {inspect.StrType, inspect.IntType}:
                return {
                    "x-kubernetes-int-or-string": True,
                    "oneOf": [{"type": "integer"}, {"type": "string"}],
                }
            return {"oneOf": [_scalar(t) for t in type_.types]}
        case _:
            found = dict(_SCALARS.get(type(type_), {}))
            limits = {word: getattr(type_, name, None) for name, word in _LIMITS.items()}
            return {**found, **{k: v for k, v in limits.items() if v is not None}}
