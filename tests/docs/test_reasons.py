"""Every reason that a condition, a container or an event can carry is explained."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "hauberk"
# The calls that carry a reason, and the place of that argument.
CALLS = {
    "Condition": 2, "Note": 0, "Finding": 1, "event": 1, "Say": 0,
    "_say": 0, "say": 0, "_tell": 0, "_informs": 1, "ImageProblem": 0, "ConfigError": 0,
}  # fmt: skip
REASON = re.compile(r"[A-Z][A-Za-z]+[a-z]")
ROWS = re.compile(r"^\| (`[^|]+) \|", re.MULTILINE)


def _texts(node: ast.expr | None, constants: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name):
        yield constants.get(node.id, "")
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body, constants), *_texts(node.orelse, constants))


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def reasons_in(source: str) -> set[str]:
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    found: set[str] = set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        place = CALLS.get(_called(call), -1)
        wanted = [k.value for k in call.keywords if k.arg == "reason"]
        wanted += [call.args[place]] if 0 <= place < len(call.args) else []
        for node in wanted:
            found |= set(_texts(node, constants))
    return {text for text in found if REASON.fullmatch(text)}


def test_reasons_are_found_in_calls_constants_and_choices() -> None:
    source = 'R = "Late"\nNote("Early", m)\nCondition("A", "B", R)\nNote("One" if a else "Other", m)\nf("No")'
    assert reasons_in(source) == {"Early", "Late", "One", "Other"}


def test_every_reason_of_the_code_has_a_row() -> None:
    code = {r for path in SRC.rglob("*.py") for r in reasons_in(path.read_text())}
    assert code - documented() == set()


def test_every_row_names_a_reason_of_the_code() -> None:
    everything = "\n".join(path.read_text() for path in SRC.rglob("*.py"))
    gone = {
        r for r in documented() if f'"{r}"' not in everything and f'f"{r.removesuffix("N")}' not in everything
    }
    assert gone == set()


def documented() -> set[str]:
    rows = ROWS.findall((ROOT / "docs" / "reasons.md").read_text())
    return {reason for row in rows for reason in re.findall(r"`(\w+)`", row)}
