"""The matrix for people, for programs and for test runners. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from hauberk.integration.verify.model import Row

MARKS = {"pass": "✓", "fail": "✗", "skip": "–"}


def as_text(rows: Sequence[Row]) -> str:
    """One line each: the mark, what was sent, what came of it; where to look when it does not hold."""
    width = max((len(row.probe.title) for row in rows), default=0)
    lines = []
    for row in rows:
        lines.append(f"{MARKS[row.verdict.outcome]} {row.probe.title.ljust(width)}  {_seen(row)}")
        if row.verdict.outcome == "fail":
            lines += [f"    wanted: {row.probe.wanted}", f"    see:    {row.probe.see}"]
    return "\n".join([*lines, summary(rows)])


def _seen(row: Row) -> str:
    return f"skipped: {row.verdict.seen}" if row.verdict.outcome == "skip" else row.verdict.seen


def summary(rows: Sequence[Row]) -> str:
    """`9 hold, 3 skipped`."""
    found = [row.verdict.outcome for row in rows]
    words = (("fail", "do not hold"), ("pass", "hold"), ("skip", "skipped"))
    return ", ".join(f"{found.count(o)} {text}" for o, text in words if o in found) or "nothing was sent"


def as_json(rows: Sequence[Row]) -> str:
    """One document: the rows, and whether all hold that were not skipped."""
    held = all(row.verdict.outcome != "fail" for row in rows)
    return json.dumps({"holds": held, "rows": [row.as_json() for row in rows]}, indent=2, ensure_ascii=False)


def as_junit(rows: Sequence[Row]) -> str:
    """JUnit's XML, one test case for each row."""
    found = [row.verdict.outcome for row in rows]
    counts = f'tests="{len(rows)}" failures="{found.count("fail")}" skipped="{found.count("skip")}"'
    cases = "".join(_case(row) for row in rows)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<testsuite name="hauberk verify" {counts}>\n{cases}</testsuite>'


def _case(row: Row) -> str:
    name = f"<testcase classname={quoteattr('hauberk.verify')} name={quoteattr(row.probe.id)}"
    timed = f'{name} time="{row.took_s:.2f}"'
    seen = quoteattr(row.verdict.seen)
    if row.verdict.outcome == "skip":
        return f"  {timed}><skipped message={seen}/></testcase>\n"
    if row.verdict.outcome == "fail":
        told = escape(f"{row.probe.title}\nwanted: {row.probe.wanted}\nsee: {row.probe.see}")
        return f"  {timed}><failure message={seen}>{told}</failure></testcase>\n"
    return f"  {timed}/>\n"
