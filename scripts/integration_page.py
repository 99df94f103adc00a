"""The reference of hauberk.yaml from its schema: every key, its values, its default, what it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hauberk.integration.schema import schema


def page() -> str:
    """The sections, the file's own first, each part below the key that holds it."""
    made = schema()
    parts: dict[str, Any] = made["$defs"]
    sections = ["\n".join(_table("hauberk.yaml", made))]
    seen: set[str] = set()
    for path, name in _parts(made, parts, ""):
        if name not in seen:
            sections.append("\n".join(_table(path, parts[name])))
        seen.add(name)
    return "\n\n".join(sections) + "\n"


def _parts(node: Any, parts: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, field in node["properties"].items():
        if name := _part(field):
            here = f"{path}{key}{'[]' if field.get('type') == 'array' else ''}"
            yield here, name
            yield from _parts(parts[name], parts, f"{here}.")


def _part(field: Any) -> str:
    ref: str = field.get("$ref") or field.get("items", {}).get("$ref") or ""
    return ref.rpartition("/")[2]


def _table(title: str, node: Any) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{node['description']}\n"
    yield "| key | value | default | what it is for |"
    yield "|---|---|---|---|"
    for key, field in node["properties"].items():
        required = key in node.get("required", ())
        told = field.get("description", "").replace("|", r"\|")
        yield f"| `{key}` | {_value(field)} | {_default(field, required=required)} | {told} |"


def _value(field: Any) -> str:
    if choices := field.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    if field.get("type") == "array":
        return f"list of {_value(field['items'])}"
    if _part(field):
        return "mapping"
    if field.get("type") == "integer":
        return f"{field['minimum']} to {field['maximum']}" if "maximum" in field else "number"
    if field.get("type") == "boolean":
        return "`true`, `false`"
    examples = field.get("examples") or []
    return f"text, such as `{examples[0]}`" if examples else "text"


def _default(field: Any, *, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    if _part(field) and not isinstance(default, list):
        return ""
    return "" if default in (None, "", []) else f"`{json.dumps(default).strip(chr(34))}`"
