"""The rules of the house that a linter cannot know."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "hauberk"
FILES = sorted(SRC.rglob("*.py"))
MAX_FILE = 500
MAX_FUNCTION = 60


def _name(path: Path) -> str:
    return str(path.relative_to(SRC))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_file_is_longer_than_500_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_every_module_says_what_it_guarantees(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), path


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_function_is_longer_than_60_lines(path: Path) -> None:
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION
    ]
    assert not long


PLANS = [p for p in FILES if p.name in {"plan.py", "make.py", "decide.py", "machine.py"}]
IMPURE = {"asyncio", "socket", "ssl", "sqlite3", "time", "datetime", "random", "os", "subprocess"}


@pytest.mark.parametrize("path", PLANS, ids=_name)
def test_decisions_import_nothing_impure(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    assert not imported & IMPURE


def test_no_path_of_a_developers_machine_is_in_the_project() -> None:
    pattern = re.compile(r"/(root|home/[a-z]+|farm)/(?!\.)")
    bad = [_name(p) for p in FILES if pattern.search(p.read_text())]
    assert not bad
