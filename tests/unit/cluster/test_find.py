from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.cluster import find, options

PATHS = Paths(run=Path("/r/n"), data=Path("/d/n"))
KEEPER = ["python", "-m", "hauberk.node.keeper", "--spec"]


@pytest.mark.parametrize(
    ("command", "is_keeper"),
    [
        ([*KEEPER, "/r/n/keeper-spec.json"], True),
        ([*KEEPER, "/r/other/keeper-spec.json"], False),
        (["vi", "/r/n/keeper-spec.json"], False),
        ([], False),
    ],
)
def test_a_keeper_is_known_by_its_cluster_s_spec(command: list[str], is_keeper: bool) -> None:
    assert find.is_keeper(command, PATHS) is is_keeper


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ([*KEEPER, "x"], "keeper"),
        (["python", "-m", "hauberk.app", "x"], "control plane"),
        (["/somewhere/envoy", "-c", "x"], "proxies"),
        (["python", "server.py"], "apps"),
        ([], "apps"),
    ],
)
def test_memory_is_counted_by_what_a_process_is(command: list[str], part: str) -> None:
    assert find.part_of(command) == part


def test_a_process_that_took_over_the_pid_of_a_dead_keeper_is_not_the_keeper(tmp_path: Path) -> None:
    paths = Paths(run=tmp_path, data=tmp_path)
    (tmp_path / "keeper.json").write_text(json.dumps({"pid": os.getpid()}))
    (tmp_path / find.KEEPER_SPEC).write_text("{}")
    assert find.keeper_of(paths) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": null}', '{"pid": 1}'])
def test_a_spoilt_keeper_file_is_no_keeper(tmp_path: Path, content: str) -> None:
    (tmp_path / "keeper.json").write_text(content)
    assert find.keeper_of(Paths(run=tmp_path, data=tmp_path)) is None


def test_why_the_control_plane_cannot_start_is_read_back_as_the_same_problem(tmp_path: Path) -> None:
    said = Problem("what", wanted="w", found="f", fix="x", see="s")
    (tmp_path / options.PROBLEM).write_text(json.dumps(said.as_json()))
    assert str(find.problem_of(Paths(run=tmp_path, data=tmp_path))) == str(said)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"what": "x"}'])
def test_a_spoilt_word_about_a_problem_is_no_problem(tmp_path: Path, content: str) -> None:
    (tmp_path / options.PROBLEM).write_text(content)
    assert find.problem_of(Paths(run=tmp_path, data=tmp_path)) is None


def test_a_spoilt_record_in_the_run_directory_is_replaced_by_the_one_in_the_data(tmp_path: Path) -> None:
    paths = Paths(run=tmp_path / "run", data=tmp_path / "data")
    for folder in (paths.run, paths.data):
        folder.mkdir()
    record = options.Options(api_port=1, https_port=2, http_port=3, run="/r", data="/d")
    (paths.run / options.RECORD).write_text("{")
    assert options.settled(paths) is None
    options.save(record, paths.data / options.RECORD)
    assert options.settled(paths) == record


def test_a_record_that_cannot_be_read_is_a_problem_that_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(Problem) as told:
        options.load(tmp_path / "n" / options.RECORD)
    assert told.value.fix == "hauberk down --name n; hauberk up --name n"
