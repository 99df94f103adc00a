"""The pytest plugin in a project that knows nothing of this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from hauberk.testing import pages

pytestmark = pytest.mark.system

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
FLAGS = ("DISPLAY", "HOME", "LANG", "PATH", "PYTHONPATH", "TMPDIR", "XDG_RUNTIME_DIR")


def run(folder: Path, *args: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
    """pytest in that folder, as its user calls it."""
    env = {k: v for k, v in os.environ.items() if k in FLAGS}
    known = any(e.value == "hauberk.testing.plugin" for e in entry_points(group="pytest11"))
    loaded = [] if known else ["-p", "hauberk.testing.plugin"]  # a checkout installed before there was one
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *loaded, "-p", "no:randomly", "-p", "no:cacheprovider", *args],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def clusters() -> list[str]:
    """The keepers of the plugin's clusters that run."""
    said = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if re.search(r"hauberk.*/test-[0-9a-f]{6}/", line)]


def test_the_pages_example_passes_in_a_fresh_project_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (example,) = (b.text for b in pages.blocks(PAGE.read_text()) if b.language == "python")
    (tmp_path / "test_greeter.py").write_text(example)
    before = clusters()
    done = run(tmp_path)
    assert "3 passed" in done.stdout, done.stdout[-3000:] + done.stderr
    assert set(clusters()) <= set(before)


FAILS = """
import os, subprocess

def test_fresh(hauberk_cluster):
    hauberk_cluster.must("create", "namespace", "only-here")

def test_shared(hauberk_namespace, hauberk_kubeconfig):
    assert os.environ["KUBECONFIG"] == str(hauberk_kubeconfig)
    assert not hauberk_namespace.cluster.run("get", "namespace", "only-here").ok

def test_fails(hauberk_namespace):
    assert hauberk_namespace.namespace == "what it is not"
"""


def test_a_fresh_cluster_is_alone_and_a_failure_shows_what_the_cluster_says(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FAILS)
    done = run(tmp_path)
    assert "1 failed, 2 passed" in done.stdout, done.stdout[-3000:] + done.stderr
    assert "-- proxies" in done.stdout
