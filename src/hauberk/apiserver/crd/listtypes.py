"""Lists that are sets or maps hold each item once.

Source: apiextensions-apiserver pkg/apiserver/schema/listtype/validation.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json

Distinct = Callable[[Sequence[Any], str], FieldErrors]


def distinct(schema: Json) -> Distinct | None:
    """The check of a list's items against each other; None when they may repeat."""
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return _set
        case "map":
            keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
            return lambda items, path: _map(items, path, keys)
        case _:
            return None


def _set(items: Sequence[Any], path: str) -> Iterator[FieldError]:
    seen: set[bytes] = set()
    for i, item in enumerate(items):
        text = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
        if text in seen:
            yield FieldError(f"{path}[{i}]", f"Duplicate value: {text.decode()}", "FieldValueDuplicate")
        seen.add(text)


def _map(items: Sequence[Any], path: str, keys: tuple[str, ...]) -> Iterator[FieldError]:
    seen: set[bytes] = set()
    for i, item in enumerate(items):
        if not isinstance(item, Mapping):
            continue
        chosen = {k: item[k] for k in keys if k in item}
        text = orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS)
        if text in seen:
            shown = ", ".join(
                f"{orjson.dumps(k).decode()}:{orjson.dumps(v).decode()}" for k, v in chosen.items()
            )
            detail = f"Duplicate value: map[string]interface {{}}{{{shown}}}"
            yield FieldError(f"{path}[{i}]", detail, "FieldValueDuplicate")
        seen.add(text)
