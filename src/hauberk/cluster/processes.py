"""Facts about processes, from /proc: who is whose child, who runs, how much memory; waiting for an end."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
KIB = 1024


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `ticks` is its start time, so that a reused pid is not mistaken for it."""

    pid: int
    ticks: int


def find(pid: int) -> Process | None:
    """The process with that pid, or None when there is none (a zombie counts as none)."""
    fields = _stat(pid)
    if fields is None or fields[0] == "Z":
        return None
    return Process(pid, int(fields[19]))


def is_alive(process: Process) -> bool:
    """Whether that very process still runs."""
    return find(process.pid) == process


def wait_gone(these: Iterable[Process], within_s: float | None = None) -> bool:
    """Block until none of the processes runs; False when the time is up first (None: no limit)."""
    deadline = None if within_s is None else time.monotonic() + within_s
    for process in these:
        with contextlib.suppress(ProcessLookupError), _pidfd(process.pid) as end:
            # Looked at once the descriptor is open: from then on the pid cannot become another process's.
            left_ms = None if deadline is None else 1000 * max(0.0, deadline - time.monotonic())
            if is_alive(process) and not end.poll(left_ms):
                return False
    return True


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[select.poll]:
    """What is ready when the process has ended. Raises ProcessLookupError."""
    descriptor = os.pidfd_open(pid)
    try:
        end = select.poll()
        end.register(descriptor, select.POLLIN)
        yield end
    finally:
        os.close(descriptor)


def pids() -> list[int]:
    """The pid of every process that this user may see."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def parent(pid: int) -> int:
    """The pid of the process's parent; 0 when it is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def descendants(root: int) -> list[int]:
    """Pids of the process and everything below it, parents first. Empty when it is gone."""
    children: dict[int, list[int]] = {}
    for pid in pids():
        fields = _stat(pid)
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(pid)
    out, queue = [], [root] if find(root) else []
    while queue:
        pid = queue.pop(0)
        out.append(pid)
        queue += children.get(pid, ())
    return out


def pss_bytes(pid: int) -> int:
    """Proportional set size: private memory plus this process's share of what it shares. 0 if unreadable."""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * KIB
    return 0


def command_line(pid: int) -> list[str]:
    """The argument vector, empty when the process is gone."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [part.decode(errors="replace") for part in raw.split(b"\0") if part]


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (index 0 is the third field)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def namespace_pids(pid: int) -> list[int]:
    """The process's pid in each nested pid namespace, the host's first."""
    try:
        text = (PROC / str(pid) / "status").read_text()
    except OSError:
        return []
    for line in text.splitlines():
        if line.startswith("NSpid:"):
            return [int(word) for word in line.split()[1:]]
    return []
