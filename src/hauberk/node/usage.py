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
    found: dict[str, tuple[float, float]] = {}
    for (uid, _), (cpu_s, size) in (await by_process(runtime, uids)).items():
        before = found.get(uid, (0.0, 0.0))
        found[uid] = before[0] + cpu_s, before[1] + size
    return found


async def by_process(
    runtime: Runtime, uids: Collection[str] | None = None
) -> Mapping[tuple[str, str], tuple[float, float]]:
    """CPU seconds so far and bytes now, by pod uid and process; of these pods or (None) all."""
    rows = await runtime.running()
    roots = {(row.uid, row.name): row.pid for row in rows if uids is None or row.uid in uids}
    return await asyncio.to_thread(_read, roots)


def _read(roots: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], tuple[float, float]]:
    every = list(_processes())
    out = {}
    for key, pid in roots.items():
        members = family(pid, every)
        if members:
            out[key] = sum(p.cpu_s for p in members), float(sum(_memory(p.pid) for p in members))
    return out


def machine() -> tuple[float, float]:
    """CPU seconds so far and bytes in use, of the whole machine: what the node can give is the machine's.

    Source: proc(5), /proc/stat (all but idle and iowait) and /proc/meminfo.
    """
    ticks = [int(t) for t in (_PROC / "stat").read_text().partition("\n")[0].split()[1:9]]
    rows = (line.split() for line in (_PROC / "meminfo").read_text().splitlines())
    sizes = {row[0]: int(row[1]) * 1024 for row in rows if len(row) > 1}
    busy = sum(ticks) - ticks[3] - ticks[4]
    return busy / _TICKS, float(sizes["MemTotal:"] - sizes["MemAvailable:"])


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
