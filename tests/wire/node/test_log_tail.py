"""Following a log file that grows, is replaced, and goes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.node.pod.logs import Tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "0.log"


def test_only_whole_lines_are_read_and_each_once(log: Path) -> None:
    tail = Tail(log)
    assert tail.whole() == b""
    log.write_bytes(b"one\ntw")
    assert tail.more() == b"one\n"
    with log.open("ab") as more:
        more.write(b"o\n")
    assert tail.more() == b"two\n"
    assert tail.more() == b""
    tail.close()


def test_the_last_lines_are_read_after_the_file_is_gone(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    assert tail.whole() == b"one\n"
    with log.open("ab") as more:
        more.write(b"last\n")
    log.unlink()
    assert tail.more() == b"last\n"
    assert tail.more() == b""
    tail.close()


def test_a_replaced_file_is_read_to_its_end_before_the_new_one(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    tail.whole()
    with log.open("ab") as more:
        more.write(b"two\n")
    log.replace(log.with_name("0.log.1"))
    log.write_bytes(b"a much longer three\n")
    assert tail.more() + tail.more() == b"two\na much longer three\n"
    again = Tail(log)
    assert again.whole() == b"one\ntwo\na much longer three\n"
    again.close()
    tail.close()
