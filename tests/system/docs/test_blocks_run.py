"""What the pages tell a reader to type works as written: every `sh` block, page by page, in order.

Each page gets a home, a run directory and a folder of its own, with the checkout's files as links, so
`hauberk up` without a name starts that page's cluster. See hauberk.testing.pages for the marks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.cluster.kafka import judge
from hauberk.testing import pages

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
LINKED = ("Makefile", "README.md", "examples", "docs", "pyproject.toml", "scripts", "src")
RUN = [
    page
    for page in (
        "README.md",
        "docs/install.md",
        "docs/images.md",
        "docs/workloads.md",
        "docs/crds.md",
        "docs/tour.md",
        "docs/troubleshooting.md",
        "docs/access.md",
        "docs/integration.md",
        "docs/doctor.md",
        "docs/eventing.md",
        "docs/events.md",
        "docs/kafka.md",
    )
    if any(b.language == "sh" and not b.exempt for b in pages.blocks((ROOT / page).read_text()))
]
PAGE_LIMIT_S = 240
MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "ARGS")  # of the make that runs these tests


@pytest.fixture
def reader() -> Iterator[dict[str, str]]:
    """The environment of somebody who has just cloned the project. Short paths: sockets live there."""
    home = Path(tempfile.mkdtemp(prefix="hd-"))
    checkout = home / "hauberk"
    checkout.mkdir()
    (home / "run").mkdir(mode=0o700)
    for name in LINKED:
        (checkout / name).symlink_to(ROOT / name)
    (checkout / ".venv").symlink_to(sys.prefix)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "PATH": path}
    env = {k: v for k, v in env.items() if k not in {"XDG_DATA_HOME", "KUBECONFIG", "VIRTUAL_ENV", *MAKE}}
    yield env
    for cluster in ("hauberk", "demo", "other"):
        subprocess.run(
            [sys.executable, "-m", "hauberk.cli.main", "down", "-q", "--purge", "--name", cluster],
            env=env,
            check=False,
            capture_output=True,
        )
    shutil.rmtree(home)


def _script(found: list[pages.Block]) -> str:
    parts = ["set -eu -o pipefail"]
    for block in found:
        parts += [f"echo '=== {block.line}'", block.text]
    return "\n".join(parts)


@pytest.mark.parametrize("page", RUN)
def test_every_block_of_a_page_runs_in_order(page: str, reader: dict[str, str]) -> None:
    lacking = judge(
        ["java", "jars"] if shutil.which("java") is None else ["jars"], maven=bool(shutil.which("mvn"))
    )
    if page == "docs/kafka.md" and lacking is not None and os.environ.get("CI") != "true":
        pytest.skip(str(lacking))
    found = [b for b in pages.blocks((ROOT / page).read_text()) if b.language == "sh" and not b.exempt]
    done = subprocess.run(
        ["bash", "-c", _script(found)],
        cwd=Path(reader["HOME"]) / "hauberk",
        env=reader,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PAGE_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    outputs = dict(part.split("\n", 1) for part in done.stdout.split("=== ")[1:])
    for block in found:
        for text in block.expected:
            assert text in outputs[str(block.line)], (
                f"{page}:{block.line}: no {text!r} in\n{outputs[str(block.line)]}"
            )
