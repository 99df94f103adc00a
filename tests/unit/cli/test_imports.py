"""`hauberk --help` is a newcomer's first command: it imports the table of commands and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASK = """
import sys
sys.argv = ["hauberk", "--help"]
from hauberk.cli.main import main
try:
    main()
except SystemExit:
    pass
print(*sorted(sys.modules))
"""
HEAVY = ("asyncio", "cryptography", "google", "grpc", "http.client", "msgspec", "orjson", "ssl", "yaml")


@pytest.fixture(scope="module")
def imported() -> list[str]:
    """The modules of a process that printed the help."""
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_help_imports_of_the_product_only_the_table_of_commands(imported: list[str]) -> None:
    ours = [name for name in imported if name.startswith("hauberk")]
    assert ours == ["hauberk", "hauberk.base", "hauberk.base.problems", "hauberk.cli", "hauberk.cli.main"]


@pytest.mark.parametrize("heavy", HEAVY)
def test_help_imports_nothing_heavy(imported: list[str], heavy: str) -> None:
    assert heavy not in imported
