"""Editing YAML text where one value changes: comments, order and style of everything else stay. Pure.

Each edit is read back and compared with the value that was meant; an edit that cannot be made so is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from hauberk.integration.yamltext import scalar

Path: TypeAlias = tuple[str | int, ...]
INDENT = "  "


class Uneditable(Exception):
    """The text has a form in which the value cannot be changed without touching what is beside it."""


@dataclass(frozen=True, slots=True)
class Put:
    """Set a value; keys that are missing are made."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Append:
    """Put a value at the end of a list; the list is made when it is missing."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Drop:
    """Take a key, or a row of a list, away."""

    path: Path


Edit: TypeAlias = Put | Append | Drop


def edited(text: str, *edits: Edit) -> str:
    """The text after the edits, in order. Raises Uneditable, LookupError where a `Drop` finds nothing."""
    for edit in edits:
        wanted = _meant(yaml.safe_load(text), edit)
        text = _change(text, edit)
        if yaml.safe_load(text) != wanted:
            raise Uneditable(".".join(map(str, edit.path)))
    return text


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def _meant(value: Any, edit: Edit) -> Any:
    """What the text must say afterwards."""
    value = copy.deepcopy(value)
    *above, last = edit.path
    place: Any = value
    for step in above:
        if isinstance(place, dict) and not isinstance(edit, Drop) and place.get(str(step)) is None:
            place[step] = {}
        place = place[step]
    match edit:
        case Put():
            place[last] = edit.value
        case Append():
            place[last] = [*((place.get(last) if isinstance(place, dict) else None) or ()), edit.value]
        case Drop():
            del place[last]
    return value


def _change(text: str, edit: Edit) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise Uneditable("the file is not a mapping")
    match edit:
        case Put(path, value):
            return _put(text, root, path, value)
        case Append(path, value):
            return _append(text, root, path, value)
        case Drop(path):
            return _drop(text, root, path)


def _walk(root: yaml.Node, path: Path) -> tuple[list[yaml.Node], int]:
    """The nodes along the path as far as they exist, the root first; and how many steps exist."""
    nodes = [root]
    for depth, step in enumerate(path):
        below = _below(nodes[-1], step)
        if below is None:
            return nodes, depth
        nodes.append(below)
    return nodes, len(path)


def _below(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _end(node: yaml.Node) -> int:
    """Where the node's text ends, without the comments and empty lines after it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _put(text: str, root: yaml.Node, path: Path, value: Any) -> str:
    nodes, known = _walk(root, path)
    if known == len(path):
        return _replace(text, nodes[-1], flow(value))
    rest = path[known:]
    holder = nodes[-1]
    if isinstance(holder, yaml.MappingNode):
        return _insert(text, holder, rest, value)
    if isinstance(holder, yaml.ScalarNode) and holder.value in ("", "null", "~"):  # `key:` with nothing
        return _replace(text, holder, _nested_flow(rest, value))
    raise Uneditable(".".join(map(str, path)))


def _replace(text: str, node: yaml.Node, new: str) -> str:
    begin, end = node.start_mark.index, _end(node)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        before = text[:begin].rstrip(" \n")  # a block's value begins on the line after its key
        return f"{before} {new}{text[end:]}"
    gap = " " if begin == end and not text[:begin].endswith(" ") else ""
    return text[:begin] + gap + new + text[end:]


def _nested_flow(path: Path, value: Any) -> str:
    for step in reversed(path):
        value = {str(step): value}
    return flow(value)


def _insert(text: str, holder: yaml.MappingNode, rest: Path, value: Any) -> str:
    """A new key at the end of a mapping that exists."""
    if holder.flow_style:
        at = holder.end_mark.index - 1
        inside = _nested_flow(rest, value)[1:-1]
        lead = text[:at].rstrip()
        return f"{lead}{', ' if holder.value else ''}{inside}{text[at:]}"
    column = holder.value[0][0].start_mark.column
    lines = []
    for depth, step in enumerate(rest):
        tail = f" {flow(value)}" if depth == len(rest) - 1 else ""
        lines.append(f"{' ' * column}{INDENT * depth}{scalar(step)}:{tail}")
    at = _line_end(text, _end(holder))
    return text[:at] + "\n" + "\n".join(lines) + text[at:]


def _append(text: str, root: yaml.Node, path: Path, value: Any) -> str:
    nodes, known = _walk(root, path)
    node = nodes[-1]
    if known < len(path) or not isinstance(node, yaml.SequenceNode):
        return _put(text, root, path, [value])
    if node.flow_style:
        at = node.end_mark.index - 1
        return f"{text[:at].rstrip()}{', ' if node.value else ''}{flow(value)}{text[at:]}"
    column = node.start_mark.column
    at = _line_end(text, _end(node))
    return text[:at] + f"\n{' ' * column}- {flow(value)}" + text[at:]


def _drop(text: str, root: yaml.Node, path: Path) -> str:
    nodes, known = _walk(root, path)
    if known < len(path):
        raise KeyError(".".join(map(str, path)))
    holder, node = nodes[-2], nodes[-1]
    assert isinstance(holder, yaml.CollectionNode)
    rows = [row[0] if isinstance(row, tuple) else row for row in holder.value]
    values = [row[1] if isinstance(row, tuple) else row for row in holder.value]
    index = values.index(node)
    if len(rows) == 1:
        return _replace(text, holder, "[]" if isinstance(holder, yaml.SequenceNode) else "{}")
    if holder.flow_style:
        if index + 1 < len(rows):
            return text[: rows[index].start_mark.index] + text[rows[index + 1].start_mark.index :]
        return text[: _end(values[index - 1])] + text[_end(node) :]
    begin = text.rfind("\n", 0, rows[index].start_mark.index) + 1
    if text[begin : rows[index].start_mark.index].strip(" -"):
        raise Uneditable(".".join(map(str, path)))
    if index == 0 and text[begin : rows[0].start_mark.index].count("-") > 1:
        raise Uneditable(".".join(map(str, path)))
    return text[:begin] + text[_line_end(text, _end(node)) + 1 :]
