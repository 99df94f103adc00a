"""Sets of fields, as `metadata.managedFields` writes them, and what changed between two objects.

A set is upstream's FieldsV1 JSON itself: `{"f:spec": {"f:replicas": {}}}`. A step into an
object is `f:NAME`, into a list of maps `k:{"KEY":…}`, into a set `v:VALUE`. A step without
steps below it is a member; one with steps below is a member too when it holds `.`.

Source: sigs.k8s.io/structured-merge-diff fieldpath/serialize.go, typed/tofieldset.go, typed/compare.go.
Deviation: a map that is not empty is never itself a member, only its entries are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from hauberk.kinds.shape import ANY, SCALAR, Shape

Fields: TypeAlias = dict[str, Any]

_SELF = "."


def list_key(item: Any, shape: Shape) -> str | None:
    """The step into a list for this item; None when the item lacks a key (the list is then atomic)."""
    if not shape.keys:
        return None if isinstance(item, dict | list) else "v:" + orjson.dumps(item).decode()
    if not isinstance(item, Mapping):
        return None
    chosen = {k: item.get(k, _KEY_DEFAULTS.get(k)) for k in sorted(shape.keys)}
    if all(value is None for value in chosen.values()):
        return None
    return "k:" + orjson.dumps({k: v for k, v in chosen.items() if v is not None}).decode()


_KEY_DEFAULTS = {"protocol": "TCP"}  # upstream's schema defaults of keys, in ports of pods and Services


def keyed(items: Any, shape: Shape) -> dict[str, Any] | None:
    """A list as a map by its steps, in order; None when the list is atomic or a key repeats."""
    if shape.keys is None or not isinstance(items, list):
        return None
    out: dict[str, Any] = {}
    for item in items:
        key = list_key(item, shape)
        if key is None or key in out:
            return None
        out[key] = item
    return out


def below(shape: Shape, name: str) -> Shape:
    """The shape of a field; free-form when it is not known."""
    if shape.sort == "map":
        return shape.item or ANY
    return shape.fields.get(name, ANY)


def field_set(value: Any, shape: Shape) -> Fields:
    """Everything a value says, as a set. The value itself stands for its leaves."""
    if isinstance(value, Mapping) and shape.sort != "scalar":
        return {f"f:{name}": field_set(v, below(shape, name)) for name, v in value.items()}
    if value and (items := keyed(value, shape)) is not None:
        item_shape = shape.item or ANY
        return {key: _member(key, field_set(item, item_shape)) for key, item in items.items()}
    return {}


def _member(key: str, fields: Fields) -> Fields:
    return {_SELF: {}, **fields} if key.startswith("k:") else fields


@dataclass(slots=True)
class Changes:
    """What differs between two states."""

    changed: Fields = field(default_factory=dict)  # added or modified
    removed: Fields = field(default_factory=dict)


def compare(old: Any, new: Any, shape: Shape) -> Changes | None:
    """The fields that were added, modified or removed; None when the values are leaves."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and shape.sort != "scalar":
        return _compare_maps(old, new, lambda name: (f"f:{name}", below(shape, name)))
    left, right = keyed(old, shape), keyed(new, shape)
    if left is None or right is None:
        return None
    return _compare_maps(left, right, lambda key: (key, shape.item or ANY))


Step = Callable[[str], tuple[str, Shape]]


def _compare_maps(old: Mapping[str, Any], new: Mapping[str, Any], step: Step) -> Changes:
    out = Changes()
    for name, value in new.items():
        if name in old and old[name] == value:
            continue
        key, shape = step(name)
        inner = compare(old[name], value, shape) if name in old else None
        if inner is None:
            out.changed[key] = _member(key, field_set(value, shape))
            continue
        if inner.changed:
            out.changed[key] = inner.changed
        if inner.removed:
            out.removed[key] = inner.removed
    for name, value in old.items():
        if name not in new:
            key, shape = step(name)
            out.removed[key] = _member(key, field_set(value, shape))
    return out


def is_member(fields: Fields) -> bool:
    """Whether the step that leads here is itself a member of the set."""
    return not fields or _SELF in fields


def union(a: Fields, b: Fields) -> Fields:
    """Members of either set."""
    out = dict(a)
    for key, theirs in b.items():
        if key == _SELF or key not in a:
            out[key] = theirs
            continue
        ours = a[key]
        merged = union(ours, theirs)
        if merged and (is_member(ours) or is_member(theirs)):
            merged[_SELF] = {}
        out[key] = merged
    return out


def minus(a: Fields, b: Fields) -> Fields:
    """Members of `a` that are not in `b`, nor below a member of `b` that has nothing below it."""
    out: Fields = {}
    for key, ours in a.items():
        theirs = b.get(key)
        if theirs is None or (not ours and not is_member(theirs)):
            out[key] = ours
        elif key != _SELF and theirs and (left := minus(ours, theirs)):
            out[key] = {} if left == {_SELF: {}} else left
    return out


def overlap(a: Fields, b: Fields) -> Fields:
    """Members of both sets; a leaf in one meets everything below it in the other."""
    out: Fields = {}
    for key, ours in a.items():
        if key not in b:
            continue
        theirs = b[key]
        if not ours or not theirs:
            out[key] = ours or theirs
        elif inner := overlap(ours, theirs):
            out[key] = inner
    return out


def leaves(fields: Fields, prefix: str = "") -> Iterator[str]:
    """The members as upstream's conflict texts write them: `.spec.containers[name="x"].image`."""
    for key, inner in fields.items():
        if key == _SELF:
            yield prefix
        elif not inner:
            yield prefix + _step_text(key)
        else:
            yield from leaves(inner, prefix + _step_text(key))


def _step_text(key: str) -> str:
    sort, _, rest = key.partition(":")
    if sort == "f":
        return f".{rest}"
    if sort == "k":
        pairs = ",".join(f"{k}={orjson.dumps(v).decode()}" for k, v in orjson.loads(rest).items())
        return f"[{pairs}]"
    return f"[={rest}]"


def remove(value: Any, fields: Fields, shape: Shape) -> Any:
    """`value` without these members; None when nothing is left of it. Shares what is unchanged."""
    if isinstance(value, Mapping) and shape.sort != "scalar":
        return _remove_from_map(value, fields, shape)
    items = keyed(value, shape)
    if items is None:
        return value
    kept = []
    for key, item in items.items():
        inner = fields.get(key)
        if inner is None:
            kept.append(item)
        elif not is_member(inner):
            kept.append(remove(item, inner, shape.item or SCALAR))
    return kept or None


def _remove_from_map(value: Mapping[str, Any], fields: Fields, shape: Shape) -> Any:
    out: dict[str, Any] = {}
    for name, v in value.items():
        inner = fields.get(f"f:{name}")
        if inner is None:
            out[name] = v
        elif inner and (left := remove(v, inner, below(shape, name))) is not None:
            out[name] = left
    return out or None


def merge(live: Any, wanted: Any, shape: Shape) -> Any:
    """`live` with everything that `wanted` says. Shares what is unchanged.

    Maps merge by name, lists with keys by key (new items at the end); all else is replaced.
    Source: structured-merge-diff typed/merge.go.
    """
    if isinstance(live, Mapping) and isinstance(wanted, Mapping) and shape.sort != "scalar":
        return {
            **live,
            **{k: merge(live[k], v, below(shape, k)) if k in live else v for k, v in wanted.items()},
        }
    if not isinstance(live, list) or not isinstance(wanted, list):
        return wanted
    left, right = keyed(live, shape), keyed(wanted, shape)
    if left is None or right is None:
        return wanted
    item = shape.item or ANY
    return _ordered(left, {k: merge(left[k], v, item) if k in left else v for k, v in right.items()})


def _ordered(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Any]:
    # The applied order wins among the applied items; the others stay where they were.
    todo = list(wanted)
    out: list[Any] = []
    for key, value in live.items():
        if key not in wanted:
            out.append(value)
        while key in todo:
            out.append(wanted[todo.pop(0)])
    return [*out, *(wanted[key] for key in todo)]
