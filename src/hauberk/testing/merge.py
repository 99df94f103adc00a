"""Server-side apply as far as the double needs it. Pure.

Lists are one value, except `ownerReferences` (by uid) and `conditions` (by type).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

KEYS = {"ownerReferences": "uid", "conditions": "type"}


def applied(stored: Any, wanted: Any, last: Any, name: str = "") -> Any:
    """`stored` with what `wanted` says, and without what `last` said and `wanted` no longer does."""
    if isinstance(wanted, Mapping):
        base = dict(stored) if isinstance(stored, Mapping) else {}
        before = last if isinstance(last, Mapping) else {}
        for key in before:
            if key not in wanted:
                _remove(base, key, before[key])
        for key, value in wanted.items():
            base[key] = applied(base.get(key), value, before.get(key), key)
        return base
    if name in KEYS:
        return _keyed(stored or [], wanted or [], last or [], KEYS[name])
    return wanted


def _remove(base: dict[str, Any], key: str, before: Any) -> None:
    """Drop a field; of a map only what was said, so that others' fields stay."""
    if isinstance(before, Mapping) and isinstance(base.get(key), Mapping):
        left = applied(base[key], {}, before)
        if left:
            base[key] = left
            return
    base.pop(key, None)


def _keyed(stored: Any, wanted: Any, last: Any, key: str) -> list[Any]:
    mine = {item[key]: item for item in wanted}
    said = {item[key]: item for item in last}
    out = []
    for item in stored:
        name = item[key]
        if name in mine:
            out.append(applied(item, mine.pop(name), said.get(name)))
        elif name not in said:
            out.append(item)
    return [*out, *mine.values()]


def fields_of(value: Any, name: str = "") -> dict[str, Any]:
    """What an apply owns, as fieldsV1."""
    if isinstance(value, Mapping):
        return {f"f:{k}": fields_of(v, k) for k, v in value.items()}
    if name in KEYS and isinstance(value, list | tuple):
        key = KEYS[name]
        return {"k:" + json.dumps({key: i[key]}): {".": {}, **fields_of(i)} for i in value}
    return {}


def merge_patch(stored: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return patch
    out = dict(stored) if isinstance(stored, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge_patch(out.get(key), value)
    return out
