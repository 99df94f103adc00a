"""Objects as `meta.k8s.io/v1 Table`, which is what `kubectl get` prints.

Source: apiextensions-apiserver pkg/registry/customresource/tableconvertor; cli-runtime's age format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hauberk.apiserver import jsonpath
from hauberk.base.refs import Json
from hauberk.base.times import age, epoch
from hauberk.kinds.meta import Column, Kind

INCLUDED = ("None", "Metadata", "Object")
_AGE = Column("Age", ".metadata.creationTimestamp", "date")
_NAME = Column("Name", ".metadata.name", description="Name must be unique within a namespace.")


def columns_of(kind: Kind[Any]) -> tuple[Column, ...]:
    """The columns of a kind: NAME first unless the kind says otherwise, AGE when it names none."""
    named = kind.extra.get("name_column", True)
    return ((_NAME,) if named else ()) + (kind.columns or (_AGE,))


def make_table(
    kind: Kind[Any],
    objects: Sequence[Json],
    now: float,
    include: str,
    metadata: Json,
    *,
    headers: bool = True,
) -> dict[str, Any]:
    """A Table of these objects.

    `include` is what of the object stands in a row: `None`, `Metadata` or `Object`;
    `headers` is whether the column definitions are sent.
    """
    columns = columns_of(kind)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(kind, c) for c in columns] if headers else None,
        "rows": [{"cells": [_cell(c, o, now) for c in columns], **_object(o, include)} for o in objects],
    }


def _definition(kind: Kind[Any], column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": "string" if column.type == "date" else column.type,
        "format": "name" if column is _NAME else "",
        "description": column.description or f"{column.name} of the {kind.name}.",
        "priority": 1 if column.wide else 0,
    }


def _cell(column: Column, obj: Json, now: float) -> Any:
    if callable(column.path):
        return column.path(obj, now)
    found = [v for v in jsonpath.find(obj, column.path) if v is not None]
    if column.type == "date":
        return age(now - epoch(str(found[0]))) if found else "<unknown>"
    if not found:
        return ""
    if column.type == "string":
        return ",".join(_text(v) for v in found)
    return found[0]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ",".join(f'"{v}"' if isinstance(v, str) else _text(v) for v in value) + "]"
    return str(value)


def _object(obj: Json, include: str) -> dict[str, Any]:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": obj}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return {"object": partial}
