"""One line a finding, as compilers print: `file:line: severity CODE object field: found`."""

from __future__ import annotations

from hauberk.checks.model import Finding, Report


def line(finding: Finding) -> str:
    """The line of one finding."""
    where = f"{finding.place}: " if finding.place else ""
    about = " ".join(part for part in (str(finding.ref or ""), finding.field) if part)
    said = f"{finding.found} (wanted: {finding.wanted})"
    return f"{where}{finding.severity} {finding.code} {about}: {said}" if about else _bare(finding, where)


def _bare(finding: Finding, where: str) -> str:
    said = finding.found.removeprefix(where)
    return f"{where}{finding.severity} {finding.code} {finding.title}: {said}"


def text(report: Report) -> str:
    """Every finding; nothing when there is none."""
    return "".join(f"{line(finding)}\n" for finding in report.findings)
