"""What `base.files` promises about a file that somebody may read at any moment."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hauberk.base.files import write_whole


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("durable", [False, True])
def test_only_the_owner_reads_it_whatever_stood_there_before(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "new" / "key"
    write_whole(path, b"one", durable=durable)
    assert (mode_of(path.parent), mode_of(path)) == (0o700, 0o600)
    path.chmod(0o644)
    write_whole(path, b"two", durable=durable)
    assert (path.read_bytes(), mode_of(path)) == (b"two", 0o600)


def test_a_reader_of_the_old_content_never_sees_the_new_half_written(tmp_path: Path) -> None:
    path = tmp_path / "record"
    write_whole(path, b"old")
    with path.open("rb") as reader:
        write_whole(path, b"newer")
        assert reader.read() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".record.new").write_bytes(b"half")
    write_whole(tmp_path / "record", b"whole")
    assert (tmp_path / "record").read_bytes() == b"whole"
    assert len(list(tmp_path.iterdir())) == 1
