"""CPU time and family of processes are read from /proc as proc(5) says."""

from __future__ import annotations

import os

from hauberk.node.usage import Process, family, parse_stat

TICKS = os.sysconf("SC_CLK_TCK")


def test_a_name_with_parentheses_and_spaces_does_not_shift_the_fields() -> None:
    rest = "S 7 1 1 0 -1 4194560 100 0 0 0 20 10 5 5 20 0 1 0 100 1000 50"
    text = f"42 (a ) (b) {rest}"
    assert parse_stat(text) == Process(42, 7, 40 / TICKS)


def test_a_container_is_its_first_process_with_all_that_descend_from_it() -> None:
    rows = [Process(pid, parent, 1.0) for pid, parent in ((1, 0), (5, 1), (6, 5), (7, 6), (8, 1))]
    assert {p.pid for p in family(5, rows)} == {5, 6, 7}
    assert family(99, rows) == []
