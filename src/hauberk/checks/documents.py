"""YAML text as objects that know their lines. Pure.

Numbers, booleans and null are read as Kubernetes reads them; dates stay text. JSON is YAML, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from hauberk.checks.model import Path

_LIBYAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # five times as fast where PyYAML has it


class _Loader(_LIBYAML):  # type: ignore[misc, valid-type]
    """A safe loader without dates: the API server knows only JSON's types."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in _LIBYAML.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: its value, and the tree that knows where each part stands."""

    value: Any
    node: yaml.Node

    def line_of(self, path: Path) -> tuple[int, int]:
        """(line from 1 of the deepest part of `path` that exists, how many steps of it exist)."""
        node, line, depth = self.node, self.node.start_mark.line + 1, 0
        for step in path:
            found = _below(node, step)
            if found is None:
                break
            line, node = found
            depth += 1
        return line, depth


def _below(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found = node.value[step]
        return found.start_mark.line + 1, found
    return None


class Unreadable(Exception):
    """Text that is not YAML; `line` counts from 1."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line, self.said = line, said


def documents(text: str) -> Iterator[Document]:
    """Every document of `text` that is not empty. Raises Unreadable where the text stops being YAML."""
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                yield Document(value, node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        raise Unreadable(mark.line + 1 if mark else 1, said) from error
    finally:
        loader.dispose()
