"""Waiting for the end of processes, by the kernel's word."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hauberk.cluster import processes
from hauberk.cluster.processes import Process

WAIT = "import sys; print('up', flush=True); sys.stdin.readline()"


class Child:
    """A process that ends when it is told to."""

    def __init__(self) -> None:
        self._of = subprocess.Popen(
            [sys.executable, "-Ic", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._of.stdout is not None
        self._of.stdout.readline()
        found = processes.find(self._of.pid)
        assert found is not None
        self.process: Process = found

    def tell(self) -> None:
        """Let it end; it stays a zombie."""
        assert self._of.stdin is not None
        self._of.stdin.write(b"\n")
        self._of.stdin.flush()

    def close(self) -> None:
        self._of.communicate()


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child()
    yield made
    made.close()


def test_a_process_that_runs_is_waited_for_no_longer_than_said(child: Child) -> None:
    began = time.monotonic()
    assert not processes.wait_gone([child.process], 0.05)
    assert 0.05 <= time.monotonic() - began < 5


@pytest.mark.parametrize("within_s", [None, 10.0])
def test_its_end_is_seen_though_nobody_has_waited_for_the_zombie(
    child: Child, within_s: float | None
) -> None:
    child.tell()
    assert processes.wait_gone([child.process], within_s)
    assert not processes.is_alive(child.process)


def test_a_reused_pid_is_not_mistaken_for_the_process(child: Child) -> None:
    before = replace(child.process, ticks=child.process.ticks - 1)
    assert processes.wait_gone([before], 10.0)


def test_who_is_gone_already_does_not_count(child: Child) -> None:
    child.tell()
    child.close()
    assert processes.wait_gone([child.process], 0.0)
    assert processes.wait_gone([], 0.0)
