"""Whether a schema is structural: every field has one type, told outside of allOf, anyOf, oneOf and not.

Source: apiextensions-apiserver pkg/apiserver/schema/validation.go, ValidateStructural.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from hauberk.apiserver.crd import patterns
from hauberk.apiserver.crd.shaping import EMBEDDED, PRESERVE
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.rules import forbidden, invalid, required

Level = Literal["root", "item", "field"]
INT_OR_STRING = "x-kubernetes-int-or-string"
_EMPTY = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
# What value validations may not hold: field → why.
_NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}


def problems(path: str, schema: Json) -> list[FieldError]:
    """What keeps a schema from being structural, sorted."""
    found = [*_invariants(schema, "root", path), *_complete(schema, path)]
    return sorted(dict.fromkeys(found), key=str)


def _invariants(schema: Json, level: Level, path: str) -> FieldErrors:
    items, others = schema.get("items"), schema.get("additionalProperties")
    if schema.get("type") == "array" and items is None:
        yield required(f"{path}.items", "must be specified")
    if isinstance(items, Mapping):
        yield from _invariants(items, "item", f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        yield from _invariants(inner, "field", f"{path}.properties[{name}]")
    if others is not None:
        if level == "root":
            yield forbidden(f"{path}.additionalProperties", "must not be used at the root")
        if isinstance(others, Mapping):
            yield from _invariants(others, "field", f"{path}.additionalProperties")
    yield from _extensions(schema, path)
    yield from _values(schema, path)
    yield from _type(schema, level, path)
    yield from _object_fields(schema, level, path)


def _extensions(schema: Json, path: str) -> FieldErrors:
    if schema.get(INT_OR_STRING):
        for other in (PRESERVE, EMBEDDED):
            if schema.get(other):
                yield invalid(f"{path}.{other}", True, f"must be false if {INT_OR_STRING} is true")


def _type(schema: Json, level: Level, path: str) -> FieldErrors:
    kind = schema.get("type") or ""
    if schema.get(EMBEDDED) and kind != "object":
        text = f"must be object if {EMBEDDED} is true"
        yield required(f"{path}.type", text) if not kind else invalid(f"{path}.type", kind, text)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield required(f"{path}.type", _EMPTY[level])
    if schema.get(EMBEDDED) and schema.get("additionalProperties") is not None:
        yield forbidden(f"{path}.additionalProperties", f"must not be used if {EMBEDDED} is set")
    if level == "root" and kind and kind != "object":
        yield invalid(f"{path}.type", kind, "must be object at the root")


def _object_fields(schema: Json, level: Level, path: str) -> FieldErrors:
    fields: Json = schema.get("properties") or {}
    whole_object = level == "root" or bool(schema.get(EMBEDDED))
    for name in ("kind", "apiVersion"):
        if whole_object and name in fields and fields[name].get("type") != "string":
            yield invalid(f"{path}.properties[{name}].type", fields[name].get("type", ""), "must be string")
    meta = fields.get("metadata")
    if meta is not None:
        where = f"{path}.properties[metadata]"
        if whole_object and meta.get("type") != "object":
            yield invalid(f"{where}.type", meta.get("type", ""), "must be object")
        if level == "root" and not _only_names(meta):
            yield forbidden(
                where,
                "must not specify anything other than name and generateName, "
                "but metadata is implicitly specified",
            )
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not fields:
        yield required(f"{path}.properties", f"must not be empty if {EMBEDDED} is true without {PRESERVE}")


def _only_names(meta: Json) -> bool:
    inner = set(meta.get("properties") or {})
    said = set(meta) - {"type", "properties", "default", "description"}
    return inner <= {"name", "generateName"} and not said


def _values(schema: Json, path: str) -> FieldErrors:
    """The value validations of a place."""
    if schema.get("anyOf") != _INT_OR_STRING:
        for i, inner in enumerate(schema.get("anyOf") or ()):
            yield from _nested(inner, f"{path}.anyOf[{i}]")
    for i, inner in enumerate(schema.get("allOf") or ()):
        skip = i == 0 and inner.get("anyOf") == _INT_OR_STRING
        yield from _nested(
            {k: v for k, v in inner.items() if k != "anyOf"} if skip else inner, f"{path}.allOf[{i}]"
        )
    for i, inner in enumerate(schema.get("oneOf") or ()):
        yield from _nested(inner, f"{path}.oneOf[{i}]")
    if isinstance(schema.get("not"), Mapping):
        yield from _nested(schema["not"], f"{path}.not")
    if (pattern := schema.get("pattern")) and (why := patterns.problem(pattern)):
        text = f"must be a valid regular expression, but isn't: {why}"
        yield invalid(f"{path}.pattern", pattern, text)


def _nested(schema: Json, path: str) -> FieldErrors:
    yield from _values(schema, path)
    if isinstance(schema.get("items"), Mapping):
        yield from _nested(schema["items"], f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        yield from _nested(inner, f"{path}.properties[{name}]")
    for field, why in _NESTED.items():
        if schema.get(field) or (
            field in ("additionalProperties", "default") and schema.get(field) is not None
        ):
            yield forbidden(f"{path}.{field}", why)
    if "metadata" in (schema.get("properties") or {}):
        yield forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _complete(schema: Json, path: str) -> Iterator[FieldError]:
    """Every field that a value validation names exists outside of it.

    Source: apiextensions-apiserver pkg/apiserver/schema/complete.go.
    """
    for place, inner in _junctors(schema):
        yield from _exists(inner, schema, f"{path}.{place}", path)
    for name, field in (schema.get("properties") or {}).items():
        yield from _complete(field, f"{path}.properties[{name}]")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            yield from _complete(schema[word], f"{path}.{word}")


def _junctors(schema: Json) -> Iterator[tuple[str, Json]]:
    for word in ("anyOf", "allOf", "oneOf"):
        for i, inner in enumerate(schema.get(word) or ()):
            yield f"{word}[{i}]", inner
    if isinstance(schema.get("not"), Mapping):
        yield "not", schema["not"]


def _exists(nested: Json, outer: Json, path: str, outer_path: str) -> Iterator[FieldError]:
    for place, inner in _junctors(nested):
        yield from _exists(inner, outer, f"{path}.{place}", outer_path)
    items = nested.get("items")
    if isinstance(items, Mapping):
        if not isinstance(outer.get("items"), Mapping):
            yield required(f"{outer_path}.items", f"because it is defined in {path}.items")
        else:
            yield from _exists(items, outer["items"], f"{path}.items", f"{outer_path}.items")
    fields: Mapping[str, Any] = outer.get("properties") or {}
    for name, inner in (nested.get("properties") or {}).items():
        where = f"{path}.properties[{name}]"
        if name not in fields:
            yield required(f"{outer_path}.properties[{name}]", f"because it is defined in {where}")
        else:
            yield from _exists(inner, fields[name], where, f"{outer_path}.properties[{name}]")
