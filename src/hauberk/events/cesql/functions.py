"""The built-in functions of CESQL by name and number of arguments.

Source: cloudevents/spec cesql/spec.md 3.5; sdk-go sql/v2/function.
Deviation: lengths and positions count characters, as the specification says; sdk-go counts bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.events.cesql.values import LARGEST, SMALLEST, Failure, Value, to_boolean, to_integer, to_string

Cast = Callable[[Value], Value]


@dataclass(frozen=True, slots=True)
class Function:
    """`casts` of the fixed arguments; `more` of the rest, when any number is allowed; `zero` of its type."""

    call: Callable[..., Value]
    casts: tuple[Cast, ...]
    zero: Value
    more: Cast | None = None


def find(name: str, count: int) -> Function | None:
    """The function of that name (upper case) for so many arguments."""
    exact = _FIXED.get((name, count))
    if exact is not None:
        return exact
    open_ended = _VARIADIC.get(name)
    return open_ended if open_ended is not None and count >= len(open_ended.casts) else None


def _left(text: str, count: int) -> Value:
    if count < 0:
        raise Failure("functionEvaluation", f"LEFT y argument is < 0: {count}", text)
    return text[:count]


def _right(text: str, count: int) -> Value:
    if count < 0:
        raise Failure("functionEvaluation", f"RIGHT y argument is < 0: {count}", text)
    return text[max(0, len(text) - count) :]


def _substring(text: str, position: int, length: int | None = None) -> Value:
    if position == 0:
        return ""
    if not -len(text) <= position <= len(text):
        raise Failure("functionEvaluation", f"SUBSTRING invalid pos argument: {position}", "")
    if length is not None and length < 0:
        raise Failure("functionEvaluation", f"SUBSTRING invalid len argument: {length}", "")
    start = position - 1 if position > 0 else len(text) + position
    return text[start:] if length is None else text[start : start + length]


def _absolute(number: int) -> Value:
    if number == SMALLEST:
        raise Failure("math", f"integer overflow while computing ABS({number})", LARGEST)
    return abs(number)


def _text(call: Callable[[Any], Value], zero: Value = "") -> Function:
    return Function(call, (to_string,), zero)


def _same(value: Value) -> Value:
    return value


_FIXED: Mapping[tuple[str, int], Function] = {
    ("LENGTH", 1): _text(len, 0),
    ("LOWER", 1): _text(str.lower),
    ("UPPER", 1): _text(str.upper),
    ("TRIM", 1): _text(str.strip),
    ("LEFT", 2): Function(_left, (to_string, to_integer), ""),
    ("RIGHT", 2): Function(_right, (to_string, to_integer), ""),
    ("SUBSTRING", 2): Function(_substring, (to_string, to_integer), ""),
    ("SUBSTRING", 3): Function(_substring, (to_string, to_integer, to_integer), ""),
    ("ABS", 1): Function(_absolute, (to_integer,), 0),
    ("INT", 1): Function(_same, (to_integer,), 0),
    ("BOOL", 1): Function(_same, (to_boolean,), False),
    ("STRING", 1): Function(_same, (to_string,), ""),
}
_VARIADIC: Mapping[str, Function] = {
    "CONCAT": Function(lambda *parts: "".join(parts), (), "", to_string),
    "CONCAT_WS": Function(lambda between, *parts: between.join(parts), (to_string,), "", to_string),
}
