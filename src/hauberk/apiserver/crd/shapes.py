"""The shape of objects of a schema: what server-side apply merges by which keys.

Source: kube-openapi pkg/schemaconv (from OpenAPI to structured-merge-diff's schema);
apiextensions-apiserver pkg/controller/openapi/builder.
"""

from __future__ import annotations

from collections.abc import Mapping

from hauberk.base.refs import Json
from hauberk.kinds.shape import ANY, SCALAR, Shape, meta_shape

_ATOMIC = Shape("scalar")


def object_shape(schema: Json) -> Shape:
    """The shape of a whole object."""
    found = shape_of(schema)
    meta = {"apiVersion": SCALAR, "kind": SCALAR, "metadata": meta_shape()}
    return Shape(found.sort if found.sort == "struct" else "any", {**found.fields, **meta})


def shape_of(schema: Json) -> Shape:
    """The shape of one place."""
    kind = schema.get("type")
    if kind == "array":
        return _list(schema)
    if kind == "object" or schema.get("properties"):
        return _map(schema)
    if kind or schema.get("x-kubernetes-int-or-string"):
        return SCALAR
    return ANY


def _map(schema: Json) -> Shape:
    if schema.get("x-kubernetes-map-type") == "atomic":
        return _ATOMIC
    fields = {name: shape_of(inner) for name, inner in (schema.get("properties") or {}).items()}
    if schema.get("x-kubernetes-embedded-resource"):
        fields |= {"apiVersion": SCALAR, "kind": SCALAR, "metadata": meta_shape()}
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        return Shape("map", item=shape_of(others))
    return Shape(
        "struct" if fields and not schema.get("x-kubernetes-preserve-unknown-fields") else "any", fields
    )


def _list(schema: Json) -> Shape:
    items = schema.get("items")
    item = shape_of(items) if isinstance(items, Mapping) else ANY
    match schema.get("x-kubernetes-list-type"):
        case "map":
            return Shape("list", item=item, keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()))
        case "set":
            return Shape("list", item=item, keys=())
        case _:
            return Shape("list", item=item)
