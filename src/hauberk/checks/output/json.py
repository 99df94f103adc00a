"""One JSON document: findings, what is suppressed, counts."""

from __future__ import annotations

import json
from typing import Any

from hauberk.checks.model import Finding, Report, Severity


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding with every field; `null` where there is no object or no file."""
    ref, place = finding.ref, finding.place
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "title": finding.title,
        "object": {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name} if ref else None,
        "field": finding.field,
        "found": finding.found,
        "wanted": finding.wanted,
        "fix": finding.fix,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "see": f"docs/checks/{finding.code}.md",
    }


def document(report: Report) -> dict[str, Any]:
    """The document as a value."""
    counts = {str(s): sum(f.severity is s for f in report.findings) for s in reversed(Severity)}
    return {
        "findings": [finding_json(f) for f in report.findings],
        "suppressed": [
            {**finding_json(s.finding), "reason": s.reason, "by": s.by} for s in report.suppressed
        ],
        "counts": counts,
        "checks": report.checks,
        "objects": report.objects,
    }


def text(report: Report) -> str:
    """The document, indented."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"
