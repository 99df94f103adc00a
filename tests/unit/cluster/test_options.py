from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.base.problems import Problem
from hauberk.cluster import options


@pytest.mark.parametrize("name", ["a", "hauberk", "ci-42"])
def test_a_plain_name_is_kept(name: str) -> None:
    assert options.check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "../x", "a" * 41])
def test_a_name_that_could_leave_its_directory_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="cannot be a cluster's name"):
        options.check_name(name)


def test_a_long_runtime_directory_is_not_used_because_socket_paths_are_short(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 60)
    long.mkdir()
    assert not str(options.run_root({"XDG_RUNTIME_DIR": str(long)})).startswith(str(long))


def test_data_follows_xdg() -> None:
    assert options.data_root({"XDG_DATA_HOME": "/somewhere"}) == Path("/somewhere/hauberk")


def test_the_record_is_private_and_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    record = options.Options(api_port=1, https_port=2, http_port=3, run="/r", data="/d", strict=True)
    options.save(record, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert options.load(file) == record


def test_a_name_whose_sockets_would_not_fit_is_refused_with_the_length_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    with pytest.raises(Problem, match="too long for a cluster's name") as refused:
        options.paths_of("a" * 40)
    fits = int(str(refused.value.wanted).split()[2])
    assert len(str(options.paths_of("a" * fits).longest_socket)) <= 107
    with pytest.raises(Problem):
        options.paths_of("a" * (fits + 1))
