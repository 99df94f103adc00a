"""The pages say what the tables say: every kind, command, setting, step and reason has its line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hauberk.app.run import ADMISSION
from hauberk.checks.model import Check
from hauberk.checks.table import CHECKS
from hauberk.cli.main import COMMANDS
from hauberk.kinds import KINDS
from hauberk.kinds.meta import Kind
from hauberk.node.images import table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.id)
def test_every_kind_has_a_section_and_a_sentence(kind: Kind[object]) -> None:
    _, found, rest = page("reference/kinds.md").partition(f"## {kind.name} {kind.api_version}\n\n")
    assert found
    assert rest.splitlines()[0].endswith("."), rest.splitlines()[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_section_with_examples(command: str) -> None:
    _, found, rest = page("reference/commands.md").partition(f"## hauberk {command}\n")
    assert found
    assert "Examples:" in rest.split("\n## ")[0]


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_every_check_has_a_page_that_says_wanted_fix_and_why(check: Check) -> None:
    text = page(f"checks/{check.code}.md")
    assert text.startswith(f"# {check.code}: {check.title}\n")
    assert check.why in text
    assert all(f"## {part}\n\n" in text for part in ("Wanted", "Fix", "Why"))


@pytest.mark.parametrize("step", ADMISSION, ids=lambda a: a.name)
def test_every_admission_step_has_a_row(step: object) -> None:
    assert f"| `{step.name}` |" in page("reference/admission.md")  # type: ignore[attr-defined]


def _named(pattern: str, *folders: str) -> set[str]:
    files = [f for folder in folders for f in (ROOT / folder).rglob("*") if f.suffix in {".py", ""}]
    return {m for f in files if f.is_file() for m in re.findall(pattern, f.read_text(errors="ignore"))}


def test_every_environment_variable_is_described() -> None:
    used = _named(r"(?<![_\w])HAUBERK_[A-Z_]+", "src")
    assert used == set(re.findall(r"^\| `(HAUBERK_[A-Z_]+)` \|", page("install.md"), re.MULTILINE))


def test_every_built_in_image_is_described() -> None:
    for name in table.NAMES:
        assert f"`{table.REGISTRY}/{name}`" in page("images.md"), name
