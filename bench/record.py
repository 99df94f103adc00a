"""What was measured last, benchmark by benchmark: kept in a file beside the page that is made from it.

Running one benchmark replaces its entry and no other: every figure keeps its day and what else went on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from bench.model import Figure, shared, table

WORSE = 0.2  # a change for the worse from which it is called a regression


class Entry(msgspec.Struct, frozen=True):
    """One run of one benchmark. `others` is the share of the processors in use before it began."""

    day: str
    machine: str
    others: float | None
    figures: tuple[Figure, ...]


Record = dict[str, Entry]


def read(file: Path) -> Record:
    """The record; empty when there is none yet."""
    return msgspec.json.decode(file.read_bytes(), type=Record) if file.exists() else {}


def write(file: Path, record: Mapping[str, Entry]) -> None:
    """Put the record down so that a change of one figure is a change of few lines."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def regressions(old: Sequence[Figure], new: Sequence[Figure]) -> Iterator[str]:
    """A line for each figure that is worse than last time by more than a fifth."""
    before = {figure.what: figure for figure in old}
    for figure in new:
        last = before.get(figure.what)
        if last is None or not last.value or figure.value is None:
            continue
        change = figure.value / last.value - 1
        if (change if figure.less_is_better else -change) > WORSE:
            yield f"regression: {figure.what}: {figure.measured}, was {last.measured} ({change:+.0%})"


def page(record: Mapping[str, Entry], order: Sequence[str]) -> str:
    """The page: one table in the order of the benchmarks, then when and how each was measured."""
    entries = [(name, record[name]) for name in order if name in record]
    figures = [figure for _, entry in entries for figure in entry.figures]
    runs = "\n".join(
        f"* `{name}`: {entry.day}, {entry.machine}. {shared(entry.others)}" for name, entry in entries
    )
    methods = "\n".join(f"* {figure.what}: {figure.method}" for figure in figures)
    missing = ", ".join(f"`{name}`" for name in order if name not in record)
    rest = f"Not measured yet: {missing}.\n\n" if missing else ""
    return (
        "# Benchmarks\n\nWritten by `make bench`; `make bench ONLY=name` measures one anew.\n\n"
        f"{table(figures)}\n\n{rest}## Method\n\n{methods}\n\n## When and where\n\n{runs}\n"
    )
