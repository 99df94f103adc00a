"""What the processes of pods use: CPU time and memory, from /proc.

A container is the process that the keeper started with all that descend from it. The time of those that ended
stays with their parents, so the sum only grows while the container lives.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hauberk.node.runtime import Runtime

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/PID/stat; `cpu_s` includes children that ended."""

    pid: int
    parent: int
    cpu_s: float


def parse_stat(text: str) -> Process:
    """Source: proc(5), /proc/pid/stat: fields 1, 4 and 14 to 17. The name may hold spaces and parentheses."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(")")[2].split()
    return Process(int(pid), int(fields[1]), sum(map(int, fields[11:15])) / _TICKS)


def family(root: int, processes: Iterable[Process]) -> list[Process]:
    """A process and all that descend from it."""
    children: dict[int, list[Process]] = defaultdict(list)
    known = {p.pid: p for p in processes}
    for process in known.values():
        children[process.parent].append(process)
    found, left = [], [known[root]] if root in known else []
    while left:
        process = left.pop()
        found.append(process)
        left += children[process.pid]
    return found


async def usage(runtime: Runtime, uids: Collection[str]) -> Mapping[str, tuple[float, float]]:
    """CPU seconds so far and bytes now, by pod uid."""
    roots: dict[str, list[int]] = defaultdict(list)
    for row in await runtime.running():
        if row.uid in uids:
            roots[row.uid].append(row.pid)
    return await asyncio.to_thread(_read, roots)


def _read(roots: Mapping[str, Collection[int]]) -> dict[str, tuple[float, float]]:
    every = list(_processes())
    out = {}
    for uid, pids in roots.items():
        members = [p for pid in pids for p in family(pid, every)]
        if members:
            out[uid] = sum(p.cpu_s for p in members), float(sum(_memory(p.pid) for p in members))
    return out


def _processes() -> Iterable[Process]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            try:
                yield parse_stat((_PROC / entry.name / "stat").read_text())
            except (OSError, ValueError):
                continue  # it ended meanwhile


def _memory(pid: int) -> int:
    """The process's share of memory (PSS) in bytes; 0 when it ended."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
