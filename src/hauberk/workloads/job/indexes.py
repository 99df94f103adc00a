"""Sets of completion indexes as a Job's status writes them: `0-3,5`. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def read(text: str) -> frozenset[int]:
    """`"0-3,5"` → {0, 1, 2, 3, 5}; parts that are no numbers are left out."""
    out: set[int] = set()
    for part in text.split(","):
        low, _, high = part.partition("-")
        if low.isdigit() and (not high or high.isdigit()):
            out.update(range(int(low), int(high or low) + 1))
    return frozenset(out)


def write(indexes: Iterable[int]) -> str:
    """Back: neighbours join to a range, of which two are written with a comma."""
    parts: list[list[int]] = []
    for index in sorted(indexes):
        if parts and index == parts[-1][-1] + 1:
            parts[-1].append(index)
        else:
            parts.append([index])
    return ",".join(_part(p) for p in parts)


def _part(run: list[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    return f"{run[0]},{run[1]}" if len(run) == 2 else f"{run[0]}-{run[-1]}"
