r"""The part of kubectl's JSONPath that printer columns use.

`.a.b`, `.a\.b`, `['a.b']`, `[0]`, `[-1]`, `[*]`, `[?(@.type=="Ready")]`.
Source: client-go util/jsonpath.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

Step = Callable[[Any], Iterator[Any]]

_TOKEN = re.compile(
    r"""\.?\[\?\(@(?P<filter>[^=!<>)]*?)\s*(?P<op>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[^)]*)\)\]"""
    r"""|\.?\[(?P<index>-?\d+)\]|\.?\[(?P<star>\*)\]|\.?\['(?P<quoted>[^']*)'\]|\.(?P<name>(?:[^.\[\]\\]|\\.)+)"""
)


def find(obj: Any, path: str) -> list[Any]:
    """All values at the path."""
    found = [obj]
    for step in _steps(path):
        found = [inner for value in found for inner in step(value)]
    return found


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _TOKEN.match(path, at)
        if match is None:
            raise ValueError(f"not a JSONPath: {path}")
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["op"]:
        return _filter(match["filter"], match["op"] == "==", match["value"].strip("\"'"))
    if match["index"]:
        return _index(int(match["index"]))
    if match["star"]:
        return _every
    return _field(match["quoted"] if match["quoted"] is not None else re.sub(r"\\(.)", r"\1", match["name"]))


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, Mapping) and name in value:
            yield value[name]

    return step


def _index(at: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= at < len(value):
            yield value[at]

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, Mapping):
        yield from value.values()


def _filter(path: str, equal: bool, wanted: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for item in value if isinstance(value, list) else ():
            found = [str(v) for v in find(item, path)]
            if bool(found) and (found[0] == wanted) == equal:
                yield item

    return step
