"""What a benchmark is and how its figures are printed."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BUSY = 0.05  # share of the processors from which a run does not count as alone on its machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value against what it must reach."""

    what: str
    measured: str
    must: str
    reached: bool
    method: str
    peer: str = ""  # what others publish for the same thing, with its name
    value: float | None = None  # the one number that tells whether it got worse
    less_is_better: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A row of the table of benchmarks."""

    name: str
    run: Callable[[], Sequence[Figure]]


def percentile(values: Sequence[float], q: float) -> float:
    """The q-quantile (0 to 1) by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(q * (len(ordered) - 1))))]


def spread(values: Sequence[float], unit: str, scale: float = 1.0) -> str:
    """`median (min to max, n)` in one string."""
    low, mid, high = (f"{v * scale:,.0f}" for v in (min(values), statistics.median(values), max(values)))
    return f"{mid} {unit} ({low} to {high}, n={len(values)})"


def machine() -> str:
    """The machine, as far as it matters."""
    cores = memory = "?"
    try:
        with open("/proc/cpuinfo") as info:
            models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
        cores = f"{len(models)} × {models[0]}" if models else "?"
        with open("/proc/meminfo") as info:
            memory = f"{int(info.readline().split()[1]) / 2**20:.0f} GiB"
    except OSError:
        pass
    return f"{cores}, {memory}, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"


def busy(seconds: float = 2.0) -> float:
    """The share of the processors that others use now, 0 to 1."""
    first = _ticks()
    time.sleep(seconds)
    idle, total = (after - before for before, after in zip(first, _ticks(), strict=True))
    return 1 - idle / max(total, 1)


def _ticks() -> tuple[int, int]:
    with open("/proc/stat") as stat:
        fields = [int(n) for n in stat.readline().split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def shared(others: float | None) -> str:
    """A sentence on what else the machine did; `others` is the share of it that was in use before the run."""
    if others is None:
        return "What else the machine did was not recorded."
    if others < BUSY:
        return "The machine did nothing else."
    return f"The machine was shared: {others:.0%} of its processors were in use before the run began."


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    rows = ["| what | measured | must reach | | peer |", "|---|---|---|---|---|"]
    rows += [
        f"| {f.what} | {f.measured} | {f.must} | {'reached' if f.reached else '**missed**'} | {f.peer} |"
        for f in figures
    ]
    return "\n".join(rows)
