"""One row of the preflight: what is wanted, what was found, and the fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail", "unknown"]
WORST: tuple[Level, ...] = ("fail", "unknown", "warn", "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A judged point. `unknown`: the API does not tell, or may not be asked; it does not stop an install."""

    title: str
    level: Level
    wanted: str
    found: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """The row of `-o json`."""
        return {
            "title": self.title,
            "level": self.level,
            "wanted": self.wanted,
            "found": self.found,
            "fix": self.fix,
        }


def passes(rows: Iterable[Row]) -> bool:
    """Whether nothing stands in the way of an install."""
    return all(row.level != "fail" for row in rows)
