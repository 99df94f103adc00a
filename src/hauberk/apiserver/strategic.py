"""Strategic merge patch: lists of maps merge by the keys that the kind declares. Pure.

Source: apimachinery pkg/util/strategicpatch/patch.go.
Deviation: `$patch: delete` of a whole map leaves no empty map behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hauberk.apiserver.ownership import below
from hauberk.base.apierrors import BadRequest
from hauberk.kinds.shape import ANY, Shape

_PATCH, _RETAIN = "$patch", "$retainKeys"
_ORDER, _DELETE = "$setElementOrder/", "$deleteFromPrimitiveList/"


def strategic_patch(value: Any, patch: Any, shape: Shape) -> Any:
    """`value` after the patch. Shares what is unchanged. BadRequest for a malformed directive."""
    if not isinstance(patch, Mapping):
        return patch
    directive = patch.get(_PATCH)
    if directive == "replace":
        return {k: v for k, v in patch.items() if k != _PATCH}
    if directive == "delete":
        return None
    if directive not in (None, "merge"):
        raise BadRequest(f"Unknown patch type: {directive}")
    out = dict(value) if isinstance(value, Mapping) else {}
    if _RETAIN in patch:
        out = {k: v for k, v in out.items() if k in patch[_RETAIN]}
    for key, change in patch.items():
        if not key.startswith("$"):
            _change(out, key, change, below(shape, key))
    _directives(out, patch, shape)
    return out


def _change(out: dict[str, Any], key: str, change: Any, shape: Shape) -> None:
    if change is None:
        out.pop(key, None)
        return
    if isinstance(change, list):
        out[key] = _patched_list(out.get(key), change, shape)
        return
    new = strategic_patch(out.get(key), change, shape)
    if new is None:
        out.pop(key, None)
    else:
        out[key] = new


def _directives(out: dict[str, Any], patch: Mapping[str, Any], shape: Shape) -> None:
    for key, items in patch.items():
        if key.startswith(_DELETE):
            name = key.removeprefix(_DELETE)
            out[name] = [item for item in out.get(name) or () if item not in items]
    for key, order in patch.items():
        if key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            if isinstance(out.get(name), list):
                out[name] = _ordered(out[name], order, below(shape, name))


def _patched_list(live: Any, change: Sequence[Any], shape: Shape) -> list[Any]:
    plain = [item for item in change if not (isinstance(item, Mapping) and item.get(_PATCH) == "replace")]
    if len(plain) != len(change):
        return list(plain)
    if shape.keys is None or not isinstance(live, list):
        return _without_directives(change)
    if not shape.keys:
        return [*live, *(item for item in change if item not in live)]
    out: list[Any] = list(live)
    for item in change:
        _merge_item(out, item, shape)
    return out


def _without_directives(items: Sequence[Any]) -> list[Any]:
    kept = []
    for item in items:
        if isinstance(item, Mapping):
            if item.get(_PATCH) == "delete":
                continue
            kept.append(strategic_patch({}, item, ANY))
        else:
            kept.append(item)
    return kept


def _merge_item(out: list[Any], item: Any, shape: Shape) -> None:
    at = _place(out, item, shape)
    if isinstance(item, Mapping) and item.get(_PATCH) == "delete":
        if at is not None:
            del out[at]
    elif at is None:
        out.append(strategic_patch({}, item, shape.item or ANY))
    else:
        out[at] = strategic_patch(out[at], item, shape.item or ANY)


def _place(items: Sequence[Any], wanted: Any, shape: Shape) -> int | None:
    key = _merge_key(shape)
    if not isinstance(wanted, Mapping) or key not in wanted:
        raise BadRequest(f"map: {wanted} does not contain declared merge key: {key}")
    for at, item in enumerate(items):
        if isinstance(item, Mapping) and item.get(key) == wanted[key]:
            return at
    return None


def _merge_key(shape: Shape) -> str:
    # Strategic merge knows one key for a list; apply may know several.
    return (shape.keys or ("",))[0]


def _ordered(items: Sequence[Any], order: Sequence[Any], shape: Shape) -> list[Any]:
    key = _merge_key(shape) if shape.keys else ""

    def named(item: Any) -> Any:
        return item.get(key) if isinstance(item, Mapping) else item

    wanted = [named(item) for item in order]
    known = sorted((i for i in items if named(i) in wanted), key=lambda i: wanted.index(named(i)))
    out: list[Any] = []
    for item in items:
        # An item that the order does not name stays behind the one it followed.
        if named(item) not in wanted:
            out.append(item)
        else:
            out.append(known.pop(0))
    return out
