"""YAML as a reviewer wants it: keys in the order given, comments beside what they explain. Pure.

What it writes, any YAML parser reads back as the same value; the same value is always the same text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Comment: TypeAlias = Callable[[tuple[str, ...], Any], str]
"""From the path of a value (`*` for an item of a list) and the value to its comment, or to nothing."""

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"})
_OTHER = re.compile(r"[^ -~]")


def _nothing(path: tuple[str, ...], value: Any) -> str:
    del path, value
    return ""


def emit(value: Mapping[str, Any], comment: Comment = _nothing) -> str:
    """The text of one document, without `---`."""
    return "".join(f"{line}\n" for line in _mapping(value, (), 0, comment))


def comment_block(text: str, width: int = 100) -> str:
    """The text as comment lines of at most `width` characters."""
    lines, line = [], "#"
    for word in text.split():
        if len(line) + 1 + len(word) > width and line != "#":
            lines.append(line)
            line = "#"
        line += f" {word}"
    return "".join(f"{line}\n" for line in [*lines, line])


def _mapping(value: Mapping[str, Any], path: tuple[str, ...], depth: int, comment: Comment) -> Iterator[str]:
    pad = "  " * depth
    for key, below in value.items():
        at = (*path, key)
        yield from _entry(f"{pad}{scalar(key)}:", below, at, depth, comment)


def _entry(head: str, value: Any, path: tuple[str, ...], depth: int, comment: Comment) -> Iterator[str]:
    told = comment(path, value)
    tail = f"  # {told}" if told else ""
    if isinstance(value, Mapping) and value:
        yield head + tail
        yield from _mapping(value, path, depth + 1, comment)
    elif _is_list(value) and value:
        yield head + tail
        yield from _sequence(value, path, depth + 1, comment)
    else:
        yield f"{head} {scalar(value)}{tail}"


def _sequence(value: Sequence[Any], path: tuple[str, ...], depth: int, comment: Comment) -> Iterator[str]:
    pad, at = "  " * depth, (*path, "*")
    for item in value:
        if isinstance(item, Mapping) and item:
            first, *rest = _mapping(item, at, depth + 1, comment)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        elif _is_list(item) and item:
            yield f"{pad}-"
            yield from _sequence(item, at, depth + 1, comment)
        else:
            told = comment(at, item)
            yield f"{pad}- {scalar(item)}" + (f"  # {told}" if told else "")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def scalar(value: Any) -> str:
    """One value on one line, quoted where a parser would read something else."""
    if isinstance(value, str) and _is_plain(value):
        return value
    if isinstance(value, Mapping):
        return "{}"
    if _is_list(value):
        return "[]"
    if isinstance(value, str):
        return _OTHER.sub(_escape, json.dumps(value, ensure_ascii=False))
    text = json.dumps(value)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")  # YAML 1.1 reads 1e+16 as a text
    return text


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _WORDS
