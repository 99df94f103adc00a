"""What is read of files, and where findings point."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hauberk.base.problems import Problem
from hauberk.checks import files, judge, suppress
from hauberk.checks.documents import Unreadable, documents
from hauberk.checks.model import Check, Found, Report, field_text
from hauberk.checks.table import BY_CODE
from hauberk.checks.world import World

SMCP = """\
# a comment
apiVersion: maistra.io/v2
kind: ServiceMeshControlPlane
metadata: {name: basic, namespace: istio-system}
spec:
  profiles: [default]
  security:
    dataPlane:
      mtls: false
"""
SERVING = """\
apiVersion: operator.knative.dev/v1beta1
kind: KnativeServing
metadata: {name: knative-serving, namespace: knative-serving}
spec:
  workloads:
"""


def report(*texts: tuple[str, str], rules: tuple[suppress.Suppression, ...] = ()) -> Report:
    return judge.run(files.world_of(texts, now=0.0), suppressions=rules)


def places(found: Report) -> dict[str, str]:
    return {f.code: str(f.place) for f in found.findings}


def test_a_finding_points_at_the_line_of_the_field() -> None:
    assert places(report(("a.yaml", SMCP)))["HBK1301"] == "a.yaml:9"


def test_a_finding_about_a_missing_field_points_at_the_deepest_field_that_is_there() -> None:
    found = report(("a.yaml", SMCP.replace("      mtls: false\n", "      automtls: true\n")))
    assert places(found)["HBK1301"] == "a.yaml:8"
    assert places(found)["HBK1304"] == "a.yaml:5"


def test_lines_count_on_through_the_documents_of_a_file() -> None:
    assert places(report(("a.yaml", "kind: X\n---\n" + SMCP)))["HBK1301"] == "a.yaml:11"


def test_text_that_is_not_yaml_is_told_with_its_line_and_the_rest_is_judged() -> None:
    found = report(("bad.yaml", "a: 1\nb: [1\nc: 2\n"), ("a.yaml", SMCP))
    assert places(found)["HBK1001"] == "bad.yaml:3"
    assert "HBK1301" in places(found)


def test_a_fragment_without_kind_is_told_and_not_judged() -> None:
    found = report(("part.yaml", "spec:\n  proxy: {}\n"))
    assert places(found) == {"HBK1002": "part.yaml:1"}
    assert found.objects == 0


def test_the_objects_of_a_list_are_objects() -> None:
    inner = "".join(f"  {line}\n" for line in SMCP.splitlines()[1:])
    found = report(("a.yaml", "apiVersion: v1\nkind: List\nitems:\n- " + inner.lstrip()))
    assert places(found)["HBK1301"] == "a.yaml:11"


def test_two_documents_of_one_object_are_judged_together_and_told() -> None:
    extra = SERVING + "  - {name: activator, labels: {a: 1}}\n"
    found = report(("1.yaml", SERVING + "  - {name: autoscaler}\n  - {name: activator}\n"), ("2.yaml", extra))
    assert places(found) == {"HBK1003": "1.yaml:1", "HBK1006": "2.yaml:6"}


def test_merging_joins_named_rows_and_scalars_without_repeating() -> None:
    one = {"a": [{"name": "x", "p": 1}], "ports": [8444], "v": 1}
    two = {"a": [{"name": "y"}, {"name": "x", "q": 2}], "ports": [8444, 8022], "v": 2}
    both = {"a": [{"name": "x", "p": 1, "q": 2}, {"name": "y"}], "ports": [8444, 8022], "v": 2}
    assert files.merged(one, two) == both


def test_dates_stay_text_and_json_is_read() -> None:
    (document,) = documents('{"a": 2026-01-01, "b": true, "c": "1"}')
    assert document.value == {"a": "2026-01-01", "b": True, "c": "1"}


def test_unreadable_text_says_where() -> None:
    with pytest.raises(Unreadable) as error:
        list(documents("a: b\nc: 'd\n"))
    assert error.value.line == 3


def test_fields_with_dots_stand_in_brackets() -> None:
    assert field_text(("spec", "a", 0, "b.c/d", "e")) == 'spec.a[0]["b.c/d"].e'


def test_a_check_that_fails_is_a_finding_and_hides_no_other() -> None:
    def broken(world: World) -> Iterator[Found]:
        raise KeyError(world.now)
        yield

    row = BY_CODE["HBK1301"]
    check = Check(
        code="HBK1999", title=row.title, severity=row.severity, wanted="", fix="", why="", judge=broken
    )
    found = judge.run(files.world_of([("a.yaml", SMCP)], now=1.0), checks=[check, row])
    assert [f.code for f in found.findings] == ["HBK1301", "HBK1000"]
    assert "HBK1999 failed with KeyError" in found.findings[1].found


def test_a_placeholder_is_the_only_thing_said_of_its_field() -> None:
    found = report(("a.yaml", SMCP.replace("mtls: false", "mtls: <true-or-false>")))
    assert [f.code for f in found.findings if f.field == "spec.security.dataPlane.mtls"] == ["HBK1004"]


def test_an_annotation_suppresses_one_code_of_its_object_with_a_reason() -> None:
    text = SMCP.replace("istio-system}", 'istio-system, annotations: {doctor.hauberk.dev/HBK1301: "a test"}}')
    found = report(("a.yaml", text))
    assert "HBK1301" not in places(found)
    assert [(s.finding.code, s.reason) for s in found.suppressed] == [("HBK1301", "a test")]


def test_a_file_suppresses_by_code_and_object_and_says_which_rows_are_idle() -> None:
    rules = suppress.of_file(
        "s.yaml",
        "suppressions:\n"
        "- {code: HBK1301, object: 'ServiceMeshControlPlane* istio-system/*', reason: a test}\n"
        "- {code: HBK1303, object: '* other/*', reason: another}\n"
        "- {code: HBK1304}\n",
    )
    found = report(("a.yaml", SMCP), rules=rules)
    assert [s.finding.code for s in found.suppressed] == ["HBK1301"]
    assert {"HBK1303", "HBK1304"} <= places(found).keys()
    assert (places(found)["HBK1008"], places(found)["HBK1007"]) == ("s.yaml:3", "s.yaml:4")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: b", "no list `suppressions`"),
        ("suppressions:\n- {reason: x}", "a row without `code`"),
        ("suppressions:\n- {code: HBK1301, because: x}", "unknown key `because`"),
        ("suppressions: [", "did not find expected node content"),
    ],
)
def test_a_wrong_file_of_suppressions_is_refused_with_its_line(text: str, found: str) -> None:
    with pytest.raises(Problem) as problem:
        suppress.of_file("s.yaml", text)
    assert problem.value.what.startswith("s.yaml:")
    assert found in problem.value.found


def test_a_single_service_is_not_blamed_for_what_other_files_hold() -> None:
    text = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {}\n"
    assert not report(("a.yaml", text)).findings
