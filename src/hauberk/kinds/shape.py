"""The shape of an object: which fields are known, which lists are maps, what is free-form.

Read from the model types by msgspec's inspection, once per kind and only when asked for.
Warnings, schemas, merging and field ownership all walk these shapes, so they agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import inspect

from hauberk.kinds.meta import Kind, ObjectMeta, Part

Sort = Literal["struct", "map", "list", "scalar", "any"]


@dataclass(slots=True)
class Shape:
    """One place in an object. `type` is msgspec's description of it, for schemas."""

    sort: Sort
    fields: Mapping[str, Shape] = field(default_factory=dict)  # struct: by wire name
    inert: frozenset[str] = frozenset()  # struct: known fields without an effect
    item: Shape | None = None  # list: its items; map: its values
    keys: tuple[str, ...] | None = None  # list: merges by these keys; () means a set of scalars
    type: inspect.Type | None = None
    description: str = ""
    required: frozenset[str] = frozenset()  # struct: fields without a default


ANY = Shape("any")
SCALAR = Shape("scalar")
_STRINGS = Shape("map", item=Shape("scalar", type=inspect.StrType()))
_STRING = Shape("scalar", type=inspect.StrType())


class OwnerReference(Part, frozen=True):
    """An object that this one belongs to; it is collected when its last owner is gone."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    block_owner_deletion: bool | None = None


_META_TEXT = {
    "name": "Unique within a namespace, or within the cluster for kinds without one. Cannot be updated.",
    "generateName": "Prefix of a generated name, used only when `name` is empty.",
    "namespace": "The namespace within which each name must be unique. Cannot be updated.",
    "selfLink": "Deprecated: no longer set.",
    "uid": "Unique in time and space. Set by the server. Cannot be updated.",
    "resourceVersion": "The revision of the last change; send it back to guard against lost updates.",
    "creationTimestamp": "When the object was created. Set by the server.",
    "deletionTimestamp": "When the object will be gone. Set by the server when a deletion was asked for.",
}


def meta_shape() -> Shape:
    """All fields of ObjectMeta; whole, whatever a model names."""
    return _META


def _make_meta() -> Shape:
    named = {name: Shape("scalar", type=inspect.StrType(), description=d) for name, d in _META_TEXT.items()}
    number = Shape("scalar", type=inspect.IntType())
    owner = _struct(OwnerReference, {})
    return Shape(
        "struct",
        {
            **named,
            "generation": number,
            "deletionGracePeriodSeconds": number,
            "labels": Shape("map", item=_STRING, description="Keys and values to select objects by."),
            "annotations": Shape(
                "map", item=_STRING, description="Keys and values for tools; not selectable."
            ),
            "ownerReferences": Shape("list", item=owner, keys=("uid",)),
            "finalizers": Shape("list", item=_STRING, keys=()),
            "managedFields": Shape("list", item=Shape("any")),
        },
        description="Standard object metadata.",
    )


@cache
def shape_of(model: type[Part]) -> Shape:
    """The shape of a model, without `apiVersion` and `kind`."""
    found: dict[type, Shape] = {}
    return _struct(model, found)


@cache
def object_shape(model: type[Part]) -> Shape:
    """The shape of a whole object of a kind: the model plus what every object has."""
    own = shape_of(model)
    return Shape(
        "struct",
        {**own.fields, "apiVersion": _STRING, "kind": _STRING, "metadata": _META, "status": _status(own)},
        own.inert,
        type=own.type,
        description=own.description,
        required=own.required - {"metadata"},
    )


def kind_shape(kind: Kind[Any]) -> Shape:
    """The shape of a whole object of a kind."""
    given: Shape | None = kind.extra.get("shape")
    if given is not None:
        return given
    model: type[Part] = kind.model
    return object_shape(model)


def _status(own: Shape) -> Shape:
    """Conditions merge by type for every kind, so that several writers can share a status.

    Deviation: upstream's custom resources replace the whole list.
    """
    status = own.fields.get("status", ANY)
    if status.sort not in ("struct", "any"):
        return status
    conditions = status.fields.get("conditions")
    item = conditions.item if conditions is not None else None
    merged = Shape("list", item=item or Shape("any"), keys=("type",))
    return Shape(
        status.sort,
        {**status.fields, "conditions": merged},
        type=status.type,
        description=status.description,
    )


def _struct(model: type, found: dict[type, Shape]) -> Shape:
    if model is ObjectMeta:
        return _META
    if model in found:
        return found[model]
    shape = found[model] = Shape("struct", inert=frozenset(getattr(model, "__inert__", ())))
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType), f"{model} is a struct"
    shape.fields = {f.encode_name: _of(f.type, found) for f in info.fields}
    shape.required = frozenset(f.encode_name for f in info.fields if f.required)
    shape.type, shape.description = info, _doc(model)
    return shape


def _of(type_: inspect.Type, found: dict[type, Shape]) -> Shape:
    keys: tuple[str, ...] | None = None
    description = ""
    if isinstance(type_, inspect.Metadata):
        keys = (type_.extra or {}).get("merge_by")
        description = (type_.extra_json_schema or {}).get("description", "")
        type_ = type_.type
    shape = _plain(_not_none(type_), found, keys)
    if description and shape is not ANY:
        shape = _described(shape, description)
    return shape


def _described(shape: Shape, description: str) -> Shape:
    copied = Shape(shape.sort, shape.fields, shape.inert, shape.item, shape.keys, shape.type, description)
    copied.required = shape.required
    return copied


def _plain(type_: inspect.Type, found: dict[type, Shape], keys: tuple[str, ...] | None) -> Shape:
    match type_:
        case inspect.Metadata():
            return _of(type_, found)
        case inspect.StructType():
            return _struct(type_.cls, found)
        case inspect.DictType():
            return Shape("map", item=_of(type_.value_type, found), type=type_)
        case inspect.VarTupleType() | inspect.ListType() | inspect.CollectionType():
            return Shape("list", item=_of(type_.item_type, found), keys=keys, type=type_)
        case inspect.AnyType() | inspect.RawType() | inspect.UnionType():
            return Shape("scalar", type=type_) if _all_scalar(type_) else ANY
        case _:
            return Shape("scalar", type=type_)


def _not_none(type_: inspect.Type) -> inspect.Type:
    if isinstance(type_, inspect.UnionType):
        rest = tuple(t for t in type_.types if not isinstance(t, inspect.NoneType))
        if len(rest) == 1:
            return rest[0]
        return inspect.UnionType(rest)
    return type_


_SCALARS = (inspect.StrType, inspect.IntType, inspect.FloatType, inspect.BoolType, inspect.LiteralType)


def _all_scalar(type_: inspect.Type) -> bool:
    def plain(part: inspect.Type) -> inspect.Type:
        return part.type if isinstance(part, inspect.Metadata) else part

    return isinstance(type_, inspect.UnionType) and all(isinstance(plain(t), _SCALARS) for t in type_.types)


def _doc(model: type) -> str:
    text = model.__doc__ or ""
    if model in (msgspec.Struct, Part) or text == Part.__doc__:
        return ""
    return " ".join(text.split())


_META = Shape("struct")
_made = _make_meta()
_META.fields, _META.description = _made.fields, _made.description
