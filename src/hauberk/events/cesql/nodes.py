"""Expressions as functions of an event's attributes. An error ends the evaluation, as in sdk-go.

An expression's value after an error is the zero value of its type, unless the failing function says another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hauberk.events.cesql import functions
from hauberk.events.cesql.values import Failure, Value, like, to_boolean, to_integer, to_string, wrapped

Attributes = Mapping[str, str]
Run = Callable[[Attributes], Value]
REQUIRED = frozenset(("specversion", "id", "source", "type"))


@dataclass(frozen=True, slots=True)
class Expression:
    """One node: `run` raises Failure; `zero` is its value then."""

    run: Run
    zero: Value = False


def evaluate(expression: Expression, attributes: Attributes) -> tuple[Value, tuple[str, ...]]:
    """The value and the kinds of the errors that happened. Total: never raises."""
    try:
        return expression.run(attributes), ()
    except Failure as failure:
        same = failure.value is not None and type(failure.value) is type(expression.zero)
        return failure.value if same and failure.value is not None else expression.zero, (failure.kind,)


def literal(value: Value) -> Expression:
    """A constant."""
    return Expression(lambda _: value, type(value)())


def identifier(name: str) -> Expression:
    """An attribute's value, a String. Failure `missingAttribute` without it."""

    def run(attributes: Attributes) -> Value:
        value = attributes.get(name)
        if value is None:
            raise Failure("missingAttribute", f"missing attribute '{name}'")
        return value

    return Expression(run)


def exists(name: str) -> Expression:
    """Whether the attribute is there; always for required ones."""
    if name in REQUIRED:
        return literal(True)
    return Expression(lambda attributes: name in attributes)


def negation(child: Expression) -> Expression:
    """NOT."""
    return Expression(lambda a: not to_boolean(child.run(a)))


def minus(child: Expression) -> Expression:
    """Unary minus."""
    return Expression(lambda a: wrapped(-to_integer(child.run(a))), 0)


def logic(operator: str, left: Expression, right: Expression) -> Expression:
    """AND and OR look at the right side only when they must."""
    if operator == "AND":
        return Expression(lambda a: to_boolean(left.run(a)) and to_boolean(right.run(a)))
    if operator == "OR":
        return Expression(lambda a: to_boolean(left.run(a)) or to_boolean(right.run(a)))
    return Expression(lambda a: to_boolean(left.run(a)) is not to_boolean(right.run(a)))


def equality(equal: bool, left: Expression, right: Expression) -> Expression:
    """The left side is cast to the type of the right."""

    def run(attributes: Attributes) -> Value:
        one, other = left.run(attributes), right.run(attributes)
        return (like(one, other) == other) is equal

    return Expression(run)


_ORDER: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}


def order(operator: str, left: Expression, right: Expression) -> Expression:
    """Both sides as Integers."""
    holds = _ORDER[operator]
    return Expression(lambda a: holds(to_integer(left.run(a)), to_integer(right.run(a))))


def arithmetic(operator: str, left: Expression, right: Expression) -> Expression:
    """32-bit arithmetic; division truncates, and fails with `math` for a divisor of 0."""
    compute = _ARITHMETIC[operator]
    return Expression(lambda a: wrapped(compute(to_integer(left.run(a)), to_integer(right.run(a)))), 0)


def _quotient(x: int, y: int) -> int:
    if y == 0:
        raise Failure("math", "division by zero", 0)
    return abs(x) // abs(y) * (1 if (x < 0) is (y < 0) else -1)


_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": _quotient,
    "%": lambda x, y: x - _quotient(x, y) * y,
}


def matches(child: Expression, pattern: str) -> Expression:
    r"""LIKE: `%` any characters, `_` one, `\%` and `\_` themselves."""
    fits = re.compile(_regex(pattern), re.DOTALL).fullmatch
    return Expression(lambda a: fits(to_string(child.run(a))) is not None)


_PIECE = re.compile(r"\\[%_]|%+|_|[^%_\\]+|\\", re.DOTALL)


def _regex(pattern: str) -> str:
    parts = []
    for piece in _PIECE.findall(pattern):
        if piece.startswith("%"):
            parts.append(".*")
        elif piece == "_":
            parts.append(".")
        else:
            parts.append(re.escape(piece[1:] if piece in ("\\%", "\\_") else piece))
    return "".join(parts)


def contains(child: Expression, members: tuple[Expression, ...]) -> Expression:
    """IN: members are cast to the type of the left side."""

    def run(attributes: Attributes) -> Value:
        value = child.run(attributes)
        return any(like(member.run(attributes), value) == value for member in members)

    return Expression(run)


def call(name: str, arguments: tuple[Expression, ...]) -> Expression:
    """A function. Failure `missingFunction` when there is none of that name for so many arguments."""
    function = functions.find(name, len(arguments))
    if function is None:
        return Expression(lambda _: _missing(name, len(arguments)))
    casts = function.casts + (function.more or to_string,) * (len(arguments) - len(function.casts))
    pairs = tuple(zip(casts, arguments, strict=True))
    run = function.call
    return Expression(lambda a: run(*[cast(argument.run(a)) for cast, argument in pairs]), function.zero)


def _missing(name: str, count: int) -> Value:
    raise Failure("missingFunction", f"cannot resolve function {name} with {count} arguments")
