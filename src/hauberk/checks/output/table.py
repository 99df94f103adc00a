"""For people: findings below the check that makes them, with what was wanted and the fix; then the sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from hauberk.checks.model import Finding, Report, Severity
from hauberk.checks.output.words import counted

MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "36"}


def text(report: Report, *, colour: bool = False, show_suppressed: bool = False) -> str:
    """The report; understandable without colour."""
    lines: list[str] = []
    for (code, title), rows in groupby(report.findings, key=lambda f: (f.code, f.title)):
        lines += _check(code, title, list(rows), colour)
    if show_suppressed:
        lines += [f"suppressed {s.finding.code} {s.finding.ref or ''}: {s.reason} ({s.by})"
                  for s in report.suppressed]  # fmt: skip
        lines += [""] if report.suppressed else []
    return "\n".join([*lines, summary(report)]) + "\n"


def _check(code: str, title: str, rows: list[Finding], colour: bool) -> Iterator[str]:
    severity = rows[0].severity
    head = f"{MARKS[severity]} {code} {title}"
    yield f"\x1b[{COLOURS[severity]}m{head}\x1b[0m" if colour else head
    for row in rows:
        about = " ".join(part for part in (str(row.ref or ""), row.field) if part)
        yield f"    {row.place}" if row.place else f"    {about}"
        if row.place and about:
            yield f"      {about}"
        yield f"      found:  {row.found.removeprefix(f'{row.place}: ')}"
        yield f"      wanted: {row.wanted}"
        yield f"      fix:    {row.fix}"
    yield ""


def summary(report: Report) -> str:
    """How many of each severity; what was judged."""
    found = Counter(f.severity for f in report.findings)
    said = ", ".join(counted(found[s], str(s)) for s in reversed(Severity) if found[s])
    hidden = f", {len(report.suppressed)} suppressed" if report.suppressed else ""
    judged = f"{report.checks} checks over {counted(report.objects, 'object')}"
    return f"{said or 'no findings'}{hidden}; {judged}"
