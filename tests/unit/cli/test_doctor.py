"""`hauberk doctor` on files: exit codes, forms, refusals, watching."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hauberk.base.problems import Problem
from hauberk.checks import doctor
from hauberk.checks.model import Report
from hauberk.cli.main import cli

STRICT = "[default], security: {dataPlane: {mtls: true}}"
BROKEN = """\
apiVersion: maistra.io/v2
kind: ServiceMeshControlPlane
metadata: {name: basic, namespace: istio-system}
spec: {profiles: [default]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smcp.yaml").write_text(BROKEN)
    return tmp_path


def run(*args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["doctor", *args], input=text)


@pytest.mark.parametrize(("fail_on", "code"), [("error", 3), ("warning", 3), ("info", 3), ("never", 0)])
def test_the_exit_status_follows_the_severity(folder: Path, fail_on: str, code: int) -> None:
    assert run("-f", "smcp.yaml", "--fail-on", fail_on).exit_code == code


def test_findings_below_the_severity_do_not_fail(folder: Path) -> None:
    (folder / "smcp.yaml").write_text("kind: X\n")
    assert run("-f", ".").exit_code == 0
    assert run("-f", ".", "--fail-on", "warning").exit_code == 3


def test_standard_input_and_directories_are_read(folder: Path) -> None:
    assert "<stdin>:4: error HBK1301" in run("-f", "-", "-o", "short", text=BROKEN).output
    (folder / "deep" / ".hidden").mkdir(parents=True)
    (folder / "deep" / "x.yml").write_text(BROKEN.replace("basic", "other"))
    (folder / "deep" / ".hidden" / "y.yaml").write_text(BROKEN)
    (folder / "kustomization.yaml").write_text("resources: []\n")
    assert json.loads(run("-f", ".", "-o", "json").output)["objects"] == 2


def test_a_file_of_suppressions_in_the_working_directory_counts(folder: Path) -> None:
    rows = [{"code": c, "reason": "a test"} for c in ("HBK1301", "HBK1303", "HBK1304", "HBK1305")]
    (folder / ".hauberk-doctor.yaml").write_text(json.dumps({"suppressions": rows}))
    done = run("-f", ".", "--show-suppressed")
    assert done.exit_code == 0
    assert "no findings, 4 suppressed" in done.output
    assert "suppressed HBK1301 ServiceMeshControlPlane.maistra.io istio-system/basic: a test" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-f", "x", "--context", "y"], "give one of them"),
        (["--whole"], "about files"),
        (["-f", ".", "--watch", "-o", "sarif"], "one document"),
        (["-f", "-", "--watch"], "standard input"),
        (["--fail-on", "fatal"], "is not one of"),
    ],
)
def test_a_wrong_call_is_refused(folder: Path, args: list[str], said: str) -> None:
    done = run(*args)
    assert (done.exit_code, said in done.output) == (2, True)


@pytest.mark.parametrize("path", ["gone.yaml", "empty"])
def test_nothing_to_judge_is_a_problem(folder: Path, path: str) -> None:
    (folder / "empty").mkdir()
    done = run("-f", path)
    assert isinstance(done.exception, Problem)


def test_a_check_explains_itself(folder: Path) -> None:
    assert run("--explain", "hbk1303").output.startswith("# HBK1303: Proxies end before")
    assert isinstance(run("--explain", "HBK9").exception, Problem)
    assert "HBK1303  error" in run("--list").output


def test_whole_makes_missing_what_is_not_there(folder: Path) -> None:
    codes = {f["code"] for f in json.loads(run("-f", ".", "--whole", "-o", "json").output)["findings"]}
    assert "HBK1203" in codes
    part = {f["code"] for f in json.loads(run("-f", ".", "-o", "json").output)["findings"]}
    assert "HBK1203" not in part


def test_watching_prints_what_came_and_what_went(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looks(subject: doctor.Subject, **_: object) -> Iterator[Report | Problem]:
        yield doctor.examine(subject, now=0.0)
        yield doctor.examine(subject, now=1.0)  # nothing new: nothing printed
        (folder / "smcp.yaml").write_text(BROKEN.replace("[default]", STRICT))
        yield doctor.examine(subject, now=2.0)
        (folder / "smcp.yaml").unlink()
        for _try in range(2):
            try:
                doctor.examine(subject, now=3.0)
            except Problem as problem:
                yield problem

    monkeypatch.setattr(doctor, "looks", looks)
    done = run("-f", "smcp.yaml", "--watch", "-o", "short")
    out = done.stdout.splitlines()
    assert [line[0] for line in out] == ["+", "+", "+", "+", "-"]
    assert "HBK1301" in out[-1]
    assert done.stderr.count("cannot be read") == 1
