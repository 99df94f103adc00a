"""Tokens of CESQL. Keywords and function names are case-insensitive; identifiers become lower case.

Source: cloudevents/spec cesql/CESQLLexer.g4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["keyword", "integer", "string", "name", "symbol", "end"]

KEYWORDS = frozenset(("AND", "OR", "XOR", "NOT", "LIKE", "EXISTS", "IN", "TRUE", "FALSE"))
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<string> "(?:\\.|""|[^"\\])*" | '(?:\\.|''|[^'\\])*' )
    | (?P<integer> [+-]?[0-9]+ (?![0-9A-Za-z]) )
    | (?P<word> [A-Za-z][A-Za-z_]*(?![0-9A-Za-z]) | [0-9A-Za-z]+ )
    | (?P<symbol> != | <> | <= | >= | [-+*/%=<>(),] )
    )""",
    re.VERBOSE | re.DOTALL,
)


class ParseError(ValueError):
    """The text is not an expression. `at` is the column, from 0."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(f"syntax error at column {at}: {text}")
        self.at = at


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` of a string is its value, of a keyword or function name upper case."""

    kind: Kind
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """All tokens and an `end`. Raises ParseError."""
    found = []
    at = 0
    end = len(text.rstrip(" \t\r\n"))
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            place = at + len(text[at:]) - len(text[at:].lstrip(" \t\r\n"))
            raise ParseError(place, f"token recognition error at: '{text[place]}'")
        found.append(_token(match))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup
    assert kind is not None, "every alternative has a name"
    text, at = match[kind], match.start(kind)
    if kind == "string":
        return Token("string", text[1:-1].replace("\\" + text[0], text[0]), at)
    if kind == "integer":
        return Token("integer", text, at)
    if kind == "symbol":
        return Token("symbol", text, at)
    upper = text.upper()
    return Token("keyword", upper, at) if upper in KEYWORDS else Token("name", text, at)
