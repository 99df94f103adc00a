"""Compiling and running expressions with cel-cpp (`cel-expr-python`). Import it lazily."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from hauberk.apiserver.cel import Declared, Failed, Program, Refused
from hauberk.apiserver.cel.library import POOL, functions

_CODES = ("INVALID_ARGUMENT: ", "NOT_FOUND: ", "UNKNOWN: ", "OUT_OF_RANGE: ", "INTERNAL: ")


@cache
def _environment(variables: Declared) -> cel.Env:
    extensions = [
        ext_strings.ExtStrings(),
        ext_math.ExtMath(),
        ext_optional.ExtOptional(),
        ext_bindings.ExtBindings(),
        ext_encoders.ExtEncoders(),
        cel.CelExtension("kubernetes", functions()),
    ]
    types = dict.fromkeys(variables, cel.Type.DYN)
    return cel.NewEnv(POOL, variables=types, extensions=extensions)


class _Program:
    """`hauberk.apiserver.cel.Program` of this library."""

    def __init__(self, expression: cel.Expression) -> None:
        self._expression = expression
        self.result: str = expression.return_type().name()

    def __call__(self, variables: Mapping[str, Any]) -> Any:
        try:
            found = self._expression.eval(data=variables)
        except RuntimeError as error:
            raise Failed(_plain(str(error))) from error
        if found.type() == cel.Type.ERROR:
            raise Failed(_plain(str(found.value())))
        return plain(found.plain_value())


def program(text: str, variables: Declared) -> Program:
    """Compile an expression. Refused."""
    try:
        return _Program(_environment(variables).compile(text))
    except RuntimeError as error:
        raise Refused(_plain(str(error)).removesuffix(" [INVALID_ARGUMENT]")) from error


def _plain(text: str) -> str:
    """An error without the library's own marks, in cel-go's words where they differ."""
    for code in _CODES:
        text = text.removeprefix(code)
        text = text.removesuffix(f" [{code[:-2]}]")
    text = text.strip("'\"") if text[:1] == text[-1:] == "'" else text
    if text.startswith('Key not found in map : "'):
        key = text.split('"')[1]
        return f"no such key: {key}"
    if text == "divide by zero":
        return "division by zero"
    return text


def plain(value: Any) -> Any:
    """A result as JSON carries it."""
    match value:
        case datetime.datetime():
            return value.isoformat().replace("+00:00", "Z")
        case datetime.timedelta():
            return f"{value.total_seconds():g}s"
        case list():
            return [plain(v) for v in value]
        case dict():
            return {k: plain(v) for k, v in value.items()}
        case _:
            return value
