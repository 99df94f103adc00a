"""JUnit XML: a test case for each check; one that found something at the failing severity has failed."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hauberk.checks.model import Report, Severity
from hauberk.checks.output.short import line
from hauberk.checks.table import AREAS, CHECKS

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no XML 1.0 character


def text(report: Report, *, fail_on: Severity | None = Severity.ERROR) -> str:
    """The suite. Findings below `fail_on` (all of them when None) stand in the case's output."""
    suite = ET.Element("testsuite", name="hauberk doctor", tests=str(len(CHECKS)), errors="0")
    failed = 0
    for check in CHECKS:
        case = ET.SubElement(
            suite, "testcase", classname=AREAS[check.code[:5]], name=f"{check.code} {check.title}", time="0"
        )
        found = [f for f in report.findings if f.code == check.code]
        said = _FORBIDDEN.sub("�", "\n".join(line(f) for f in found))
        if found and fail_on is not None and check.severity >= fail_on:
            failed += 1
            ET.SubElement(case, "failure", message=check.title, type=str(check.severity)).text = said
        elif found:
            ET.SubElement(case, "system-out").text = said
    suite.set("failures", str(failed))
    ET.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suite, encoding="unicode")}\n'
