"""Placeholders of documentation that were left in a manifest, such as `<your-istio-namespace>`.

A real cluster stores most of them and fails much later; the lenient cluster warns, the strict one refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json

_ANGLE = re.compile(r"<[A-Za-z][A-Za-z0-9_-]*>")
PROJECTS = "your-OpenShift-projects"  # the one placeholder of the document without angle brackets


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            yield below, str(key)
            yield from _strings(item, below)
    elif isinstance(value, Sequence):
        for i, item in enumerate(value):
            yield from _strings(item, f"{path}[{i}]")


def placeholder_in(text: str) -> str | None:
    """The first placeholder within `text`, or None."""
    match = _ANGLE.search(text)
    if match:
        return match[0]
    return PROJECTS if text == PROJECTS else None


def left_in(raw: Json, *roots: str) -> FieldErrors:
    """Every placeholder below these top-level fields (default `spec`) and in the object's own name."""
    parts: dict[str, Any] = {root: raw[root] for root in roots or ("spec",) if root in raw}
    for where in ("name", "namespace"):
        if found := placeholder_in(str(raw.get("metadata", {}).get(where, ""))):
            yield _error(f"metadata.{where}", found)
    for path, text in _strings(parts, ""):
        if found := placeholder_in(text):
            yield _error(path, found)


def _error(path: str, found: str) -> FieldError:
    return FieldError(path, f"the placeholder {found} was left in: write the real value")
