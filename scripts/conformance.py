"""The text of docs/reference/{serving,eventing}-conformance.md: what specifications demand, and the proofs.

The demands are tests/musts/*.yaml; a proof is a test with `@pytest.mark.must("id")`.
`scripts/reference.py` writes the page.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
NOT_PROVED = "**not proved**"


@dataclass(frozen=True, slots=True)
class Proof:
    """A test that proves a demand."""

    must: str
    file: str  # relative to tests/
    test: str  # empty when a whole module or a table in it proves the demand


def specifications() -> list[dict[str, Any]]:
    """The files of demands, in the order of their names."""
    return [yaml.safe_load(path.read_text()) for path in sorted((TESTS / "musts").glob("*.yaml"))]


def proofs() -> Iterator[Proof]:
    """Every proof that a test claims."""
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text()
        if "mark.must" not in text:
            continue
        where = str(path.relative_to(TESTS))
        for node in ast.parse(text).body:
            tests = node.body if isinstance(node, ast.ClassDef) else [node]
            for test in tests:
                is_test = isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)
                name = test.name if is_test else ""  # type: ignore[union-attr]
                yield from (Proof(must, where, name) for must in _claimed(test))


def _claimed(node: ast.AST) -> Iterator[str]:
    """The ids in calls of `pytest.mark.must` below `node`."""
    for found in ast.walk(node):
        if isinstance(found, ast.Call) and ast.unparse(found.func).endswith("mark.must"):
            yield from (arg.value for arg in found.args if isinstance(arg, ast.Constant))  # type: ignore[misc]


def _row(must: dict[str, str], claims: list[Proof]) -> str:
    cell = must["says"].replace("|", r"\|")
    named = sorted({(p.file, p.test) for p in claims})
    shown = "<br>".join(f"`{file}`" + (f" `{test}`" if test else "") for file, test in named)
    said = must.get("note", "")
    return f"| `{must['id']}` | {must['section']} | {cell} | {shown or said or NOT_PROVED} |"


def page(name: str) -> str:
    """The page of the specifications with that `page` (serving without one), without its head line."""
    by_must: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs():
        by_must[proof.must].append(proof)
    parts = []
    for spec in (s for s in specifications() if s.get("page", "serving") == name):
        rows = [_row(m, by_must[m["id"]]) for m in spec["musts"]]
        proved = sum(bool(by_must[m["id"]]) for m in spec["musts"])
        lead = f"From {spec['source']}, in our words. {proved} of {len(rows)} demands are proved by tests."
        table = ["| id | section | what must be | proved by |", "|---|---|---|---|", *rows]
        parts.append("\n".join([f"## {spec['title']}", "", lead, "", *table]))
    return "\n\n".join(parts) + "\n"
