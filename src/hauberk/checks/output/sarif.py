"""SARIF 2.1.0, which code hosts show beside the lines.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hauberk import __version__
from hauberk.checks.model import Check, Finding, Report, Severity
from hauberk.checks.table import CHECKS

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
INDEX = {check.code: index for index, check in enumerate(CHECKS)}


def document(report: Report) -> dict[str, Any]:
    """One run; suppressed findings are results with a suppression."""
    results = [_result(f) for f in report.findings]
    for hidden in report.suppressed:
        kind = {"kind": "external", "justification": hidden.reason}
        results.append({**_result(hidden.finding), "suppressions": [kind]})
    driver = {"name": "hauberk doctor", "version": __version__, "rules": [_rule(c) for c in CHECKS]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def text(report: Report) -> str:
    """The document, indented."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.code,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.why},
        "help": {"text": f"Wanted: {check.wanted}. Fix: {check.fix}."},
        "defaultConfiguration": {"level": LEVELS[check.severity]},
    }


def _result(finding: Finding) -> dict[str, Any]:
    about = " ".join(part for part in (str(finding.ref or ""), finding.field) if part)
    said = f"{finding.title}: {finding.found}. Wanted: {finding.wanted}. Fix: {finding.fix}"
    location: dict[str, Any] = {}
    if finding.place:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(finding.place.file)},
            "region": {"startLine": finding.place.line},
        }
    if about:
        location["logicalLocations"] = [{"fullyQualifiedName": about}]
    return {
        "ruleId": finding.code,
        "ruleIndex": INDEX[finding.code],
        "level": LEVELS[finding.severity],
        "message": {"text": said},
        "locations": [location] if location else [],
    }
