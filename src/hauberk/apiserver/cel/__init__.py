"""Expressions of the Common Expression Language, with Kubernetes' functions.

The library (Google's own, compiled) is loaded with the first expression, not before: it takes
20 MB and a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol

Declared = tuple[str, ...]
"""Names of the variables that an expression may use."""


class Refused(Exception):
    """An expression that does not compile; the text says where."""


class Failed(Exception):
    """An expression that has no value for these variables."""


class Program(Protocol):
    """A compiled expression."""

    @property
    def result(self) -> str:
        """The static type of its value: `BOOL`, `STRING`, … or `DYN`."""

    def __call__(self, variables: Mapping[str, Any]) -> Any:
        """Its value. Failed."""


@lru_cache(maxsize=8192)
def program(text: str, variables: Declared) -> Program:
    """Compile an expression over these variables. Refused."""
    from hauberk.apiserver.cel import env

    return env.program(text, variables)


def declared(names: Iterable[str]) -> Declared:
    """The variables of an environment, in a form that can be compared."""
    return tuple(sorted(names))


def regex_problem(pattern: str) -> str:
    """What RE2 says against a pattern; empty when it takes it."""
    try:
        program("text.matches(pattern)", ("pattern", "text"))({"text": "", "pattern": pattern})
    except Failed as error:
        return str(error)
    return ""


def regex(pattern: str) -> Callable[[str], bool]:
    """RE2's answer whether a text holds the pattern."""
    compiled = program("text.matches(pattern)", ("pattern", "text"))

    def matches(text: str) -> bool:
        try:
            return bool(compiled({"text": text, "pattern": pattern}))
        except Failed:
            return False

    return matches
