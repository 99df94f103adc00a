"""From text to an expression, by precedence.

| binds  | operators                                | groups |
|--------|------------------------------------------|--------|
| most   | `NOT x`, `-x`                            |        |
|        | `LIKE`, `NOT LIKE`, `IN`, `NOT IN`       | left   |
|        | `*` `/` `%`                              | left   |
|        | `+` `-`                                  | left   |
|        | `=` `!=` `<>` `<` `<=` `>` `>=`          | left   |
| least  | `AND` `OR` `XOR`, all three the same     | right  |

Source: cloudevents/spec cesql/CESQLParser.g4, rule `expression`.
"""

from __future__ import annotations

from hauberk.events.cesql import nodes
from hauberk.events.cesql.lexer import ParseError, Token, tokens
from hauberk.events.cesql.nodes import Expression
from hauberk.events.cesql.values import LARGEST, SMALLEST

__all__ = ["ParseError", "parse"]

_LEVELS = (
    frozenset(("=", "!=", "<>", "<", "<=", ">", ">=")),
    frozenset(("+", "-")),
    frozenset(("*", "/", "%")),
)
_DEEPEST = 200  # nested parentheses and unary operators: what Python's own stack carries with ease


def parse(text: str) -> Expression:
    """Compile an expression. Raises ParseError."""
    parser = _Parser(tokens(text))
    expression = parser.logic()
    parser.end()
    return expression


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0
        self._depth = 0

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _took(self, kind: str, text: str) -> bool:
        token = self._peek()
        if token.kind == kind and token.text == text:
            self._next += 1
            return True
        return False

    def _want(self, text: str) -> None:
        if not self._took("symbol", text):
            raise self._unexpected(f"'{text}'")

    def _unexpected(self, wanted: str) -> ParseError:
        token = self._peek()
        found = f"'{token.text}'" if token.kind != "end" else "the end"
        return ParseError(token.at, f"{wanted} expected, found {found}")

    def end(self) -> None:
        if self._peek().kind != "end":
            raise self._unexpected("an operator or the end")

    def logic(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ParseError(self._peek().at, "nested too deeply")
        left = self._binary(0)
        token = self._peek()
        if token.kind == "keyword" and token.text in ("AND", "OR", "XOR"):
            self._next += 1
            left = nodes.logic(token.text, left, self.logic())
        self._depth -= 1
        return left

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._postfix()
        left = self._binary(level + 1)
        while (token := self._peek()).kind == "symbol" and token.text in _LEVELS[level]:
            self._next += 1
            left = _combined(token.text, left, self._binary(level + 1))
        return left

    def _postfix(self) -> Expression:
        child = self._unary()
        while True:
            start = self._next
            negated = self._took("keyword", "NOT")
            if self._took("keyword", "LIKE"):
                child = nodes.matches(child, self._string())
            elif self._took("keyword", "IN"):
                child = nodes.contains(child, self._list())
            else:
                self._next = start
                return child
            child = nodes.negation(child) if negated else child

    def _unary(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ParseError(self._peek().at, "nested too deeply")
        if self._took("keyword", "NOT"):
            found = nodes.negation(self._unary())
        elif self._took("symbol", "-"):
            found = nodes.minus(self._unary())
        else:
            found = self._atom()
        self._depth -= 1
        return found

    def _atom(self) -> Expression:
        if self._took("symbol", "("):
            inner = self.logic()
            self._want(")")
            return inner
        token = self._peek()
        if token.kind == "string":
            return nodes.literal(self._take().text)
        if token.kind == "integer":
            return nodes.literal(self._integer())
        if token.kind == "keyword" and token.text in ("TRUE", "FALSE"):
            return nodes.literal(self._take().text == "TRUE")
        if self._took("keyword", "EXISTS"):
            return nodes.exists(self._identifier())
        if token.kind == "name" and self._tokens[self._next + 1].text == "(":
            return self._call()
        return nodes.identifier(self._identifier())

    def _call(self) -> Expression:
        token = self._take()
        if not all(c.isalpha() or c == "_" for c in token.text):
            raise ParseError(token.at, f"'{token.text}' is not a function's name")
        self._want("(")
        arguments = [] if self._took("symbol", ")") else self._until_closed()
        return nodes.call(token.text.upper(), tuple(arguments))

    def _until_closed(self) -> list[Expression]:
        found = [self.logic()]
        while self._took("symbol", ","):
            found.append(self.logic())
        self._want(")")
        return found

    def _list(self) -> tuple[Expression, ...]:
        self._want("(")
        return tuple(self._until_closed())

    def _string(self) -> str:
        if self._peek().kind != "string":
            raise self._unexpected("a string")
        return self._take().text

    def _integer(self) -> int:
        token = self._take()
        value = int(token.text)
        if not SMALLEST <= value <= LARGEST:
            raise ParseError(token.at, f"{token.text} does not fit into 32 bits")
        return value

    def _identifier(self) -> str:
        token = self._peek()
        if token.kind != "name" or "_" in token.text:
            raise self._unexpected("an expression")
        return self._take().text.lower()


def _combined(operator: str, left: Expression, right: Expression) -> Expression:
    if operator in ("=", "!=", "<>"):
        return nodes.equality(operator == "=", left, right)
    if operator in ("<", "<=", ">", ">="):
        return nodes.order(operator, left, right)
    return nodes.arithmetic(operator, left, right)
