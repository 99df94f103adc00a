"""Findings that somebody has accepted: in a file for a repository, by annotation for one object.

The file is YAML: `suppressions:`, a list of `code`, `reason` and, where it is not for every object,
`object` (`KIND NAMESPACE/NAME`, with `*` as in file names). The annotation is
`doctor.hauberk.dev/CODE: the reason`. Without a reason nothing is suppressed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hauberk.base.problems import Problem
from hauberk.checks.documents import Unreadable, documents
from hauberk.checks.model import Finding, Place
from hauberk.checks.world import Item

PREFIX = "doctor.hauberk.dev/"
KEYS = frozenset({"code", "object", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One accepted finding; `item` is the object whose annotation says so, `place` the file's line."""

    code: str
    pattern: str  # of the object's name
    reason: str
    by: str
    item: Item | None = None
    place: Place | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is the one that was accepted."""
        return finding.code == self.code and fnmatchcase(str(finding.ref or ""), self.pattern)


def of_annotations(items: Iterable[Item]) -> Iterator[Suppression]:
    """What the objects themselves say."""
    for item in items:
        for key, reason in item.annotations.items():
            if str(key).startswith(PREFIX):
                code = str(key).removeprefix(PREFIX).upper()
                place = item.place(("metadata", "annotations", key))
                yield Suppression(
                    code=code, pattern=str(item.ref), reason=str(reason).strip(), by=str(item.ref), item=item,
                    place=place,
                )  # fmt: skip


def of_file(name: str, text: str) -> tuple[Suppression, ...]:
    """What a file says. Raises Problem where it is not of the form."""
    try:
        found = list(documents(text))
    except Unreadable as error:
        raise _wrong(f"{name}:{error.line}", error.said) from error
    if not found:
        return ()
    document = found[0]
    rows = document.value.get("suppressions") if isinstance(document.value, Mapping) else None
    if not isinstance(rows, list):
        raise _wrong(f"{name}:1", "no list `suppressions`")
    out = []
    for index, row in enumerate(rows):
        line, _ = document.line_of(("suppressions", index))
        where = f"{name}:{line}"
        if not isinstance(row, Mapping) or not isinstance(row.get("code"), str):
            raise _wrong(where, "a row without `code`")
        if set(row) - KEYS:
            raise _wrong(where, f"unknown key `{sorted(set(row) - KEYS)[0]}`")
        out.append(
            Suppression(
                code=row["code"].upper(),
                pattern=str(row.get("object", "*")),
                reason=str(row.get("reason") or "").strip(),
                by=where,
                place=Place(file=name, line=line),
            )
        )
    return tuple(out)


def _wrong(where: str, found: str) -> Problem:
    return Problem(
        f"{where}: not a file of suppressions",
        wanted="`suppressions:`, a list of `code`, `reason` and perhaps `object`",
        found=found,
        fix="see docs/doctor.md",
    )
