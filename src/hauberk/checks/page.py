"""The page of a check: what `hauberk doctor --explain` prints and docs/checks holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.checks.model import Check
from hauberk.checks.suppress import PREFIX
from hauberk.checks.table import AREAS, CHECKS


def page(check: Check) -> str:
    """The page, in Markdown."""
    parts = [
        f"# {check.code}: {check.title}",
        f"Severity: {check.severity}. Area: {AREAS[check.code[:5]]}.",
        "## Wanted",
        _sentence(check.wanted),
        "## Fix",
        _sentence(check.fix),
        "## Why",
        check.why,
    ]
    if check.needs:
        kinds = ", ".join(f"`{kind}`" for kind in check.needs)
        parts += ["## When it speaks", f"Only where it is known which objects there are of: {kinds}."]
    if check.source:
        parts += ["## Source", f"{check.source}."]
    accepted = f'Annotate the object `{PREFIX}{check.code}: "the reason"`, or list it in the suppressions.'
    parts += ["## Accept it", accepted]
    return "\n\n".join(parts) + "\n"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if not text.startswith("`") else f"{text}."


def index(checks: Sequence[Check] = CHECKS) -> str:
    """The page that lists them by area."""
    lines = []
    for prefix, area in AREAS.items():
        lines += [f"## {area}", "", "| code | severity | what is wrong |", "|---|---|---|"]
        lines += [
            f"| [{c.code}]({c.code}.md) | {c.severity} | {c.title.replace('|', chr(92) + '|')} |"
            for c in checks
            if c.code.startswith(prefix)
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
