"""The five forms of one report."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.checks import page
from hauberk.checks.model import Finding, Place, Report, Severity, Suppressed
from hauberk.checks.output import json as json_form
from hauberk.checks.output import junit, sarif, short, table
from hauberk.checks.table import AREAS, CHECKS, check_of


def finding(code: str, *, place: Place | None, ref: Ref | None, found: str = "`false`") -> Finding:
    check = check_of(code)
    return Finding(
        code=code,
        severity=check.severity,
        title=check.title,
        ref=ref,
        field="spec.a" if ref else "",
        found=found,
        wanted=check.wanted,
        fix=check.fix,
        place=place,
    )


SMCP = Ref("ServiceMeshControlPlane.maistra.io", "istio-system", "basic")
IN_FILE = finding("HBK1301", place=Place(file="a dir/1.yaml", line=9), ref=SMCP)
ON_CLUSTER = finding("HBK1302", place=None, ref=SMCP, found="<&\x00>")
OF_FILE = finding("HBK1001", place=Place(file="b.yaml", line=3), ref=None, found="b.yaml:3: not YAML")
HIDDEN = Suppressed(finding=IN_FILE, reason="on purpose", by="s.yaml:2")
REPORT = Report(findings=(OF_FILE, IN_FILE, ON_CLUSTER), suppressed=(HIDDEN,), checks=9, objects=1)
EMPTY = Report(findings=(), suppressed=(), checks=9, objects=1)


def test_short_is_a_line_for_each_finding() -> None:
    assert short.text(REPORT).splitlines() == [
        "b.yaml:3: error HBK1001 A file is not YAML: not YAML",
        "a dir/1.yaml:9: error HBK1301 ServiceMeshControlPlane.maistra.io istio-system/basic spec.a: `false` "
        "(wanted: `true`)",
        "warning HBK1302 ServiceMeshControlPlane.maistra.io istio-system/basic spec.a: <&\x00> "
        "(wanted: STRICT or UNSET; PERMISSIVE for port 8443 of webhooks only)",
    ]
    assert short.text(EMPTY) == ""


def test_the_table_says_found_wanted_and_fix_and_ends_with_the_sum() -> None:
    text = table.text(REPORT, show_suppressed=True)
    assert "✗ HBK1301 mTLS is not strict\n    a dir/1.yaml:9\n" in text
    assert "      found:  `false`\n      wanted: `true`\n      fix:    set `spec.security" in text
    assert "suppressed HBK1301" in text
    assert text.endswith("2 errors, 1 warning, 1 suppressed; 9 checks over 1 object\n")
    assert "\x1b" not in text
    assert "\x1b[31m" in table.text(REPORT, colour=True)
    assert table.text(EMPTY) == "no findings; 9 checks over 1 object\n"


def test_json_is_one_document_with_everything() -> None:
    got = json.loads(json_form.text(REPORT))
    assert got["counts"] == {"error": 2, "warning": 1, "info": 0}
    row = got["findings"][1]
    assert (row["file"], row["line"], row["object"]["name"]) == ("a dir/1.yaml", 9, "basic")
    assert got["findings"][2]["file"] is None
    assert got["suppressed"][0]["reason"] == "on purpose"


def test_sarif_has_a_rule_for_each_check_and_a_location_for_each_finding() -> None:
    (run,) = json.loads(sarif.text(REPORT))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [r["id"] for r in rules] == [c.code for c in CHECKS]
    first, second, third, hidden = run["results"]
    assert rules[second["ruleIndex"]]["id"] == second["ruleId"] == "HBK1301"
    place = second["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a%20dir/1.yaml", 9)
    assert "logicalLocations" not in first["locations"][0]
    assert "physicalLocation" not in third["locations"][0]
    assert third["level"] == "warning"
    assert hidden["suppressions"][0]["justification"] == "on purpose"


@pytest.mark.parametrize(("fail_on", "failures"), [(Severity.ERROR, 2), (Severity.WARNING, 3), (None, 0)])
def test_junit_has_a_case_for_each_check_and_fails_from_a_severity_on(
    fail_on: Severity | None, failures: int
) -> None:
    suite = ET.fromstring(junit.text(REPORT, fail_on=fail_on).partition("\n")[2])
    assert (suite.get("tests"), suite.get("failures")) == (str(len(CHECKS)), str(failures))
    assert len(suite.findall("testcase/failure")) == failures
    assert len(suite.findall("testcase/system-out")) == 3 - failures


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_every_check_belongs_to_an_area_and_has_a_complete_page(check: object) -> None:
    row = check_of(check.code)  # type: ignore[attr-defined]
    assert row.code[:5] in AREAS
    assert row.why.endswith((".", ")"))
    assert not row.title.endswith(".")
    assert page.page(row).startswith(f"# {row.code}: {row.title}\n")


def test_codes_are_unique_and_an_unknown_one_is_told_its_neighbours() -> None:
    assert len({c.code for c in CHECKS}) == len(CHECKS)
    assert check_of("hbk1301").code == "HBK1301"
    with pytest.raises(Problem) as problem:
        check_of("HBK130x")
    assert problem.value.found.startswith("near it: HBK1")
