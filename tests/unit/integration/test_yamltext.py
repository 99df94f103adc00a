"""The YAML writer: what it writes reads back the same, and comments never get in the way."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hauberk.integration.yamltext import comment_block, emit, scalar

keys = st.text(max_size=100)  # YAML reads keys of at most 1,024 characters, each escape ten of them
values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, min_size=1))
def test_what_is_written_reads_back_the_same(value: dict[str, Any]) -> None:
    assert yaml.safe_load(emit(value)) == value
    assert yaml.safe_load(emit(value, lambda path, below: "a: comment # [")) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("knative-serving", "knative-serving"),
        ("true", '"true"'),
        ("off", '"off"'),
        ("1.37", '"1.37"'),
        ("0x1f", '"0x1f"'),
        ("*.apps", '"*.apps"'),
        ("35s", '"35s"'),
        ("a: b", '"a: b"'),
        ("a:b", "a:b"),
        ("", '""'),
        (".", '"."'),
        (True, "true"),
        (None, "null"),
        ({}, "{}"),
        ([], "[]"),
        (8444, "8444"),
    ],
)
def test_only_what_a_parser_would_mistake_is_quoted(value: Any, text: str) -> None:
    assert scalar(value) == text


def test_comments_stand_beside_what_they_explain() -> None:
    told = {("a",): "first", ("a", "*"): "item"}
    assert emit({"a": [1], "b": 2}, lambda path, value: told.get(path, "")) == (
        "a:  # first\n  - 1  # item\nb: 2\n"
    )


def test_a_block_of_comment_keeps_its_width() -> None:
    text = comment_block("word " * 60, width=40)
    assert all(len(line) <= 40 and line.startswith("# ") for line in text.splitlines())
    assert text.count("word") == 60
