from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hauberk.base.problems import Problem
from hauberk.cli import main as table


class Ends(click.Command):
    """A command that ends the way it is told to."""

    def __init__(self, how: BaseException | None) -> None:
        super().__init__("ends")
        self.how = how

    def invoke(self, ctx: click.Context) -> None:
        if self.how:
            raise self.how


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (None, 0),
        (click.exceptions.Exit(1), 1),
        (click.exceptions.Exit(3), 3),
        (Problem("p", wanted="w", found="f", fix="x"), 1),
        (click.UsageError("u"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
def test_each_way_to_end_has_its_exit_code(
    how: BaseException | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "cli", Ends(how))
    monkeypatch.setattr(sys, "argv", ["hauberk"])
    with pytest.raises(SystemExit) as ended:
        table.main()
    assert (ended.value.code or 0) == code


def test_a_problem_is_told_in_four_lines_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "cli", Ends(Problem("what", wanted="w", found="f", fix="x")))
    monkeypatch.setattr(sys, "argv", ["hauberk"])
    monkeypatch.delenv("HAUBERK_DEBUG", raising=False)
    with pytest.raises(SystemExit):
        table.main()
    assert capsys.readouterr().err.splitlines() == ["what", "  wanted: w", "  found:  f", "  fix:    x"]


@pytest.mark.parametrize("name", table.COMMANDS)
def test_every_command_of_the_table_exists_and_shows_an_example(name: str) -> None:
    found = table.cli.get_command(click.Context(table.cli), name)
    assert found is not None
    assert found.help
    assert "Examples:" in (found.epilog or "") or name == "completion"


def test_help_imports_no_command_and_no_library_of_the_control_plane() -> None:
    code = (
        "import sys\n"
        "from hauberk.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "heavy = {'asyncio', 'msgspec', 'yaml', 'grpc', 'cryptography', 'uvicorn', 'hauberk.cli.up'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert all(f"  {name} " in done.stdout for name in table.COMMANDS)


ROOT = Path(table.__file__).parents[3]
TOLD = re.compile(r"""(?:`|"fix": f?"|fix=f?"|; )hauberk ([a-z]+(?:-[a-z]+)*)""")


def test_every_command_that_a_text_tells_the_reader_to_run_exists() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    told = {(name, file.name) for file in sources for name in TOLD.findall(file.read_text())}
    assert {name for name, _ in told} >= {"up", "down", "image"}
    assert {(name, file) for name, file in told if name not in table.COMMANDS} == set()
