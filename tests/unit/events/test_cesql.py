"""CESQL: values, precedence, casts and errors, as the specification's examples and sdk-go have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.events.cesql import ParseError, evaluate, parse

EVENT = {
    "specversion": "1.0",
    "id": "id-1",
    "source": "/s",
    "type": "com.made",
    "hop": "5",
    "ttl": "10",
    "flag": "TRUE",
    "name": "Ada",
}


def result(text: str) -> object:
    value, errors = evaluate(parse(text), EVENT)
    return (value, *errors) if errors else value


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("TRUE", True),
        ("fAlSe", False),
        ("-3", -3),
        ("+3", 3),
        ("'it''s'", "it''s"),
        (r"'a\'b'", "a'b"),
        (r'"a\"b"', 'a"b'),
        ("id", "id-1"),
        ("ID", "id-1"),
        # precedence
        ("4 * 2 + 4 / 2", 10),
        ("4 * (2 + 4) / 2", 12),
        ("10 - 4 - 3", 3),
        ("2 + 3 = 5", True),
        ("NOT FALSE = TRUE", True),
        ("TRUE OR TRUE AND FALSE", True),
        ("TRUE AND FALSE OR TRUE", True),  # all three have one precedence, from the right
        ("FALSE AND FALSE OR TRUE", False),
        ("- hop + 1", -4),
        ("--10", 10),
        # arithmetic
        ("5 / 3", 1),
        ("-5 / 3", -1),
        ("-5 % 3", -2),
        ("5 % -3", 2),
        ("5 / 0", (0, "math")),
        ("5 % 0", (0, "math")),
        ("2147483647 + 1", -2147483648),
        ("'5' + 3", 8),
        ("5 + TRUE", 6),
        ("-TRUE", -1),
        ("'x' + 1", (0, "cast")),
        # comparisons
        ("hop = 5", True),
        ("hop < ttl", True),
        ("int(hop) < int(ttl) and int(hop) < 1000", True),
        ("flag = TRUE", True),
        ("true = 'TRUE'", False),
        ("'TRUE' = true", True),
        ("name != 'Bob'", True),
        ("name <> 'Ada'", False),
        ("hop >= 6", False),
        ("hop <= 5", True),
        ("hop > 4", True),
        ("name < 3", (False, "cast")),
        # missing attributes
        ("missing = 2", (False, "missingAttribute")),
        ("missing / 0", (0, "missingAttribute")),
        ("-missing", (0, "missingAttribute")),
        ("TRUE OR missing", True),
        ("FALSE AND missing", False),
        ("TRUE AND missing", (False, "missingAttribute")),
        ("EXISTS name", True),
        ("EXISTS missing", False),
        ("NOT EXISTS missing", True),
        ("EXISTS specversion", True),
        ("TRUE XOR FALSE", True),
        ("TRUE XOR TRUE", False),
        # LIKE and IN
        ("'abc' LIKE 'a%'", True),
        ("'abc' NOT LIKE 'a%'", False),
        ("'abc' LIKE 'a_'", False),
        ("'.a.b.' LIKE '._._.'", True),
        ("'axc' LIKE 'a.c'", False),
        (r"'a_b' LIKE 'a\_b'", True),
        (r"'axb' LIKE 'a\_b'", False),
        (r"'50%' LIKE '50\%'", True),
        ("234 LIKE '23_'", True),
        ("TRUE LIKE 'tr%'", True),
        ("name IN ('Bob', 'Ada')", True),
        ("name NOT IN ('Bob', 'Ada')", False),
        ("5 IN ('4', '5')", True),
        ("5 IN ('x')", (False, "cast")),
        ("hop IN (4, 5)", True),
        # functions
        ("LENGTH('abc')", 3),
        ("LENGTH(TRUE)", 4),
        ("length('é')", 1),
        ("CONCAT()", ""),
        ("CONCAT('a', 1, TRUE)", "a1true"),
        ("CONCAT_WS(',', 'a', 'b')", "a,b"),
        ("CONCAT_WS(',')", ""),
        ("CONCAT_WS()", (False, "missingFunction")),
        ("LOWER('AbC')", "abc"),
        ("UPPER('AbC')", "ABC"),
        ("TRIM('  a b ')", "a b"),
        ("LEFT('abc', 2)", "ab"),
        ("LEFT('abc', 10)", "abc"),
        ("LEFT('abc', -2)", ("abc", "functionEvaluation")),
        ("RIGHT('abc', 2)", "bc"),
        ("RIGHT('abc', 0)", ""),
        ("RIGHT('abc', 10)", "abc"),
        ("RIGHT('abc', -2)", ("abc", "functionEvaluation")),
        ("SUBSTRING('Quadratically', 5)", "ratically"),
        ("SUBSTRING('Sakila', -3)", "ila"),
        ("SUBSTRING('abcdef', 2, 4)", "bcde"),
        ("SUBSTRING('Sakila', -5, 3)", "aki"),
        ("SUBSTRING('abc', 0)", ""),
        ("SUBSTRING('abc', 2, 9)", "bc"),
        ("SUBSTRING('abcdef', 10)", ("", "functionEvaluation")),
        ("SUBSTRING('abcdef', 1, -1)", ("", "functionEvaluation")),
        ("ABS(-2147483648)", (2147483647, "math")),
        ("ABS(-7)", 7),
        ("INT('-1')", -1),
        ("INT('ABC')", (0, "cast")),
        ("INT('99999999999')", (0, "cast")),
        ("BOOL('false')", False),
        ("BOOL(100)", True),
        ("BOOL('ABC')", (False, "cast")),
        ("STRING(-1)", "-1"),
        ("STRING(missing)", ("", "missingAttribute")),
        ("NOPE('a')", (False, "missingFunction")),
        ("LENGTH('a', 'b')", (False, "missingFunction")),
    ],
)
def test_result(text: str, want: object) -> None:
    got = result(text)
    assert got == want
    assert type(got) is type(want)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "a =", "(1", "1)", "f(", "f(1,", "1 1", "'x", "a_b", "5-3", "1 LIKE 2", "a IN ()"),
        *("EXISTS 'x'", "2147483648", "a ~ b", "NOT", "x LIKE", "AND", "f1(2)"),
        *("(" * 300 + "1" + ")" * 300, "-" * 999 + " x"),
    ],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_an_error_says_where() -> None:
    with pytest.raises(ParseError, match="column 8"):
        parse("a = 'b' )")


@given(st.text("abc'\"\\ ()=<>!+-*/%,_1ANDORLIKE", max_size=30))
def test_any_text_is_an_expression_or_a_parse_error_and_evaluation_is_total(text: str) -> None:
    try:
        expression = parse(text)
    except ParseError:
        return
    value, _ = evaluate(expression, EVENT)
    assert isinstance(value, (bool, int, str))
