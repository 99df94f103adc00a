"""What a check is, and what it says: rows of a table, pure judges, findings that point at their cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from hauberk.base.refs import Ref

if TYPE_CHECKING:
    from hauberk.checks.world import Item, World

Path: TypeAlias = tuple[str | int, ...]
"""A place in an object: keys of mappings, indexes of lists."""


class Severity(IntEnum):
    """How bad it is; comparable, so that `--fail-on` is one comparison."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that a judge saw. The row says what was wanted and the fix, unless this knows it better."""

    item: Item | None
    path: Path = ()
    found: str
    wanted: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row of the doctor.

    `needs` are kind names: where the world does not know one of them (a cluster that does not serve it,
    files that hold none of it) the check stays silent. `judge` is pure.
    """

    code: str  # stable: `HBK1xxx`; docs page, SARIF rule, suppressions
    title: str  # what is wrong, when it is
    severity: Severity
    wanted: str
    fix: str  # one command or one edit
    why: str
    needs: tuple[str, ...] = ()
    judge: Callable[[World], Iterator[Found]]
    source: str = ""  # where the fact comes from upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check says of one place of one object, complete for printing."""

    code: str
    severity: Severity
    title: str
    ref: Ref | None
    field: str
    found: str
    wanted: str
    fix: str
    place: Place | None

    def key(self) -> tuple[str, str, str, str]:
        """Which findings are the same one in two runs."""
        return (self.code, str(self.ref), self.field, self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A finding that somebody has accepted, and why."""

    finding: Finding
    reason: str
    by: str  # the annotation's object, or the file with its line


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of the doctor."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    checks: int
    objects: int

    def worst(self) -> Severity | None:
        """The highest severity found, or None."""
        return max((f.severity for f in self.findings), default=None)


def field_text(path: Path) -> str:
    """`spec.servers[0].tls.mode`; keys with dots or slashes stand in brackets and quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif "." in step or "/" in step:
            text += f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return text
