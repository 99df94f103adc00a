"""What commands print and refuse, without a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hauberk.base.problems import Problem
from hauberk.cli.main import cli

REPORT: dict[str, Any] = {
    "name": "far",
    "state": "running",
    "endpoints": {"api": "https://127.0.0.1:6443", "https": "127.0.0.1:8443", "http": "127.0.0.1:8080"},
    "resources": [{"kind": "KnativeServing", "namespace": "ks", "name": "ks", "ready": False}],
    "pods": {
        "total": 2,
        "ready": 1,
        "items": [
            {"namespace": "a", "name": "well", "phase": "Running", "ready": True},
            {"namespace": "a", "name": "ill", "phase": "Pending", "ready": False},
        ],
    },
    "proxies": {"total": 1, "synced": 0, "items": [{"proxy": "ill.a", "status": "STALE"}]},
    "memory": {"pssBytes": 3 * 2**20, "byPart": {"keeper": 2**20, "apps": 2 * 2**20}},
}


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A Kubernetes client that does what `script` says."""
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_status_of_another_cluster_is_asked_through_the_kubernetes_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    kubectl(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/asked; cat {tmp_path}/report.json')
    said = run("status", "--context", "far")
    assert said.exit_code == 0
    assert (tmp_path / "asked").read_text() == "get --raw /hauberk/v1/status --context far\n"
    for line in (
        "cluster far: running",
        "  api     https://127.0.0.1:6443",
        "  … KnativeServing ks/ks",
        "  pods    1/2 ready",
        "            a/ill Pending",
        "  proxies 0/1 in sync",
        "            ill.a STALE",
        "  memory  3 MiB PSS (keeper 1, apps 2)",
    ):
        assert line in said.stdout.splitlines()
    assert json.loads(run("status", "--context", "far", "-o", "json").stdout) == REPORT


@pytest.mark.parametrize(
    "script", ["echo refused >&2; exit 1", 'echo \'{"kind": "Other"}\'', "echo not json"]
)
def test_a_cluster_that_is_not_ours_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    kubectl(tmp_path, monkeypatch, script)
    problem = run("status", "--context", "far").exception
    assert isinstance(problem, Problem)
    assert "kubectl cluster-info --context far" in problem.fix


def test_status_of_a_cluster_that_does_not_run_is_told_and_exits_with_1() -> None:
    said = run("status", "--name", "n", "-o", "json")
    assert said.exit_code == 1
    assert json.loads(said.stdout) == {
        "name": "n",
        "state": "stopped",
        "hint": "start it: hauberk up --name n",
    }


@pytest.mark.parametrize("args", [("kubeconfig",), ("enter", "--", "true")])
def test_commands_that_need_a_cluster_say_how_to_start_it(args: tuple[str, ...]) -> None:
    problem = run(args[0], "--name", "n", *args[1:]).exception
    assert isinstance(problem, Problem)
    assert problem.fix == "hauberk up --name n"


def test_down_of_a_cluster_that_does_not_run_is_no_failure() -> None:
    said = run("down", "--name", "n")
    assert (said.exit_code, said.stderr) == (0, "cluster n is not running\n")
    assert run("down", "--name", "n", "--quiet").stderr == ""


@pytest.mark.parametrize(
    "args",
    [
        ("up", "--api-port", "0"),
        ("up", "--https-port", "65536"),
        ("up", "--nothing"),
        ("enter",),
        ("status", "-o", "yaml"),
        ("status", "--kubeconfig", "/nowhere"),
        ("image", "add", "x", "/nowhere"),
        ("image", "load", "/nowhere"),
        ("completion", "tcsh"),
        ("nothing",),
    ],
)
def test_wrong_usage_exits_with_2(args: tuple[str, ...]) -> None:
    assert run(*args).exit_code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_complete_hauberk(shell: str) -> None:
    said = run("completion", shell)
    assert said.exit_code == 0
    assert "_HAUBERK_COMPLETE" in said.stdout


@pytest.mark.parametrize(
    ("args", "fix"),
    [
        (("add", "Bad Name", "."), "hauberk image ls"),
        (("rm", "Bad Name"), "hauberk image ls"),
        (("rm", "example.com/none"), "hauberk image ls"),
        (("add", "example.com/x", "."), "Procfile"),
        (("load", "file"), "skopeo"),
    ],
)
def test_an_image_that_cannot_be_is_a_problem(
    args: tuple[str, ...], fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not an archive")
    monkeypatch.chdir(tmp_path)
    problem = run("image", *args).exception
    assert isinstance(problem, Problem), problem
    assert fix in problem.fix
