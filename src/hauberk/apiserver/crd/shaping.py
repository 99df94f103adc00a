"""What a schema makes of an object that comes in: unknown fields dropped, defaults filled in.

Guarantees: an object that needs no change is returned as it is, not copied; arguments are never
changed.
Source: apiextensions-apiserver pkg/apiserver/schema/pruning/algorithm.go, defaulting/algorithm.go,
defaulting/prunenulls.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hauberk.base.refs import Json

Change = Callable[[Any], Any]
ROOT_FIELDS = frozenset({"apiVersion", "kind", "metadata"})

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"


def unknown(schema: Json, value: Any, path: str = "", *, root: bool = True) -> list[str]:
    """The paths of fields that pruning drops."""
    found: list[str] = []
    _prune(schema, value, path, found, root=root, kept=False)
    return found


def pruned(schema: Json, value: Any, *, root: bool = True) -> Any:
    """`value` without the fields that the schema does not know."""
    return _prune(schema, value, "", None, root=root, kept=False)


def _prune(schema: Json, value: Any, path: str, found: list[str] | None, *, root: bool, kept: bool) -> Any:
    if isinstance(value, Mapping):
        return _prune_fields(schema, value, path, found, root=root, kept=kept)
    items = schema.get("items")
    if isinstance(value, list):
        inner = items if isinstance(items, Mapping) else {}
        keep = kept if not isinstance(items, Mapping) else False
        new = [
            _prune(
                inner, v, f"{path}[{i}]", found, root=bool(inner.get(EMBEDDED)), kept=keep or _keeps(inner)
            )
            if isinstance(v, dict | list)
            else v
            for i, v in enumerate(value)
        ]
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    return value


def _keeps(schema: Json) -> bool:
    return bool(schema.get(PRESERVE))


def _prune_fields(
    schema: Json, value: Mapping[str, Any], path: str, found: list[str] | None, *, root: bool, kept: bool
) -> Any:
    fields: Json = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    keep_all = kept or _keeps(schema) or (others is not None and others is not False)
    out: dict[str, Any] = {}
    changed = False
    for name, inner in value.items():
        where = f"{path}.{name}" if path else name
        below = fields.get(name)
        if below is None and isinstance(others, Mapping):
            below = others
        if root and name in ROOT_FIELDS:
            out[name] = inner
        elif below is not None:
            nested = bool(below.get(EMBEDDED))
            out[name] = _prune(below, inner, where, found, root=nested, kept=_keeps(below))
            changed = changed or out[name] is not inner
        elif keep_all:
            out[name] = inner
        else:
            changed = True
            if found is not None:
                found.append(where)
    return out if changed else value


def has_defaults(schema: Json) -> bool:
    """Whether a schema has a default anywhere."""
    if "default" in schema:
        return True
    inner = [
        *(schema.get("properties") or {}).values(),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    return any(has_defaults(one) for one in inner if isinstance(one, Mapping))


def defaulted(schema: Json, value: Any) -> Any:
    """`value` with defaults where fields are absent, or null where null is not allowed."""
    if isinstance(value, Mapping):
        return _default_fields(schema, value)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        new = [_or_default(items, v) if v is None else defaulted(items, v) for v in value]
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    return value


def _or_default(schema: Json, value: Any) -> Any:
    if "default" in schema and not schema.get("nullable"):
        return defaulted(schema, schema["default"])
    return value


def _default_fields(schema: Json, value: Mapping[str, Any]) -> Any:
    fields: Json = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    changed: dict[str, Any] = {}
    for name, below in fields.items():
        if "default" in below and (name not in value or (value[name] is None and not below.get("nullable"))):
            changed[name] = below["default"]
    for name in (*value, *(n for n in changed if n not in value)):
        below = fields.get(name, others)
        old = changed.get(name, value.get(name))
        if isinstance(below, Mapping) and isinstance(old, dict | list):
            new = defaulted(below, old)
            if new is not old:
                changed[name] = new
    return {**value, **changed} if changed else value
