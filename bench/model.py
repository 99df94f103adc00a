"""What a benchmark is and how its figures are printed."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BUSY = 0.5  # load average from which a run does not count as alone on its machine


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


def shared(load: float) -> str:
    """A sentence on what else the machine did; `load` is the load average of the five minutes before."""
    if load < BUSY:
        return "The machine did nothing else."
    return f"The machine was shared with other work: a load of {load:.1f} before the run began."


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    rows = ["| what | measured | must reach | | peer |", "|---|---|---|---|---|"]
    rows += [
        f"| {f.what} | {f.measured} | {f.must} | {'reached' if f.reached else '**missed**'} | {f.peer} |"
        for f in figures
    ]
    return "\n".join(rows)
