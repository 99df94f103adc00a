from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.node.images.samples.autoscale import primes
from hauberk.node.keeper.linux import is_deaf
from hauberk.node.keeper.logpump import lines, stamp
from hauberk.node.keeper.network import address
from hauberk.node.keeper.preflight import Facts, judge

GOOD = {"nft": "/usr/sbin/nft", "run": "/run/x"}


def problems(**facts: Any) -> list[tuple[str, str]]:
    return [(p.found, p.fix) for p in judge(Facts(**{**GOOD, **facts}))]


def test_a_good_machine_has_no_problem() -> None:
    assert problems(max_user_namespaces="0", apparmor="1") == []


@pytest.mark.parametrize(
    ("facts", "found", "fix"),
    [
        ({"max_user_namespaces": "0"}, "user.max_user_namespaces = 0", "sysctl -w user.max_user_namespaces="),
        ({"max_net_namespaces": "0"}, "user.max_net_namespaces = 0", "sysctl -w user.max_net_namespaces="),
        ({"userns_clone": "0"}, "kernel.unprivileged_userns_clone = 0", "kernel.unprivileged_userns_clone=1"),
        (
            {"apparmor": "1"},
            "kernel.apparmor_restrict_unprivileged_userns = 1",
            "restrict_unprivileged_userns=0",
        ),
        ({}, "unshare: Operation not permitted", "seccomp=unconfined"),
    ],
)
def test_the_setting_that_forbids_namespaces_is_named(facts: dict[str, str], found: str, fix: str) -> None:
    ((seen, advice),) = problems(namespaces="unshare: Operation not permitted", **facts)
    assert seen == found
    assert fix in advice


def test_every_problem_is_found_at_once() -> None:
    assert len(problems(nft="", namespaces="no", run_error="no")) == 3


@pytest.mark.parametrize(
    ("number", "wanted"), [(2, "10.128.0.2"), (256, "10.128.1.0"), (65534, "10.128.255.254")]
)
def test_addresses(number: int, wanted: str) -> None:
    assert address(number) == wanted


def test_a_stamp_has_nanoseconds() -> None:
    assert stamp(1_795_465_901, 371_631_935) == "2026-11-23T20:31:41.371631935Z"


@pytest.mark.parametrize(
    ("rest", "data", "end", "pieces", "left"),
    [
        (b"", b"a\nb\n", False, [(b"a", True), (b"b", True)], b""),
        (b"a", b"b\nc", False, [(b"ab", True)], b"c"),
        (b"", b"c", True, [(b"c", False)], b""),
        (b"c", b"", True, [(b"c", False)], b""),
        (b"", b"", True, [], b""),
        (b"", b"x" * 20000, False, [(b"x" * 16384, False)], b"x" * 3616),
    ],
)
def test_output_becomes_lines(rest: bytes, data: bytes, end: bool, pieces: list[Any], left: bytes) -> None:
    assert lines(rest, data, end=end) == (pieces, left)


@given(st.lists(st.binary(max_size=40000), max_size=5))
def test_no_byte_of_output_is_lost(chunks: list[bytes]) -> None:
    rest, text = b"", b""
    for chunk in [*chunks, b""]:
        pieces, rest = lines(rest, chunk, end=not chunk)
        text += b"".join(piece + (b"\n" if whole else b"") for piece, whole in pieces)
    assert text == b"".join(chunks)
    assert rest == b""


@pytest.mark.parametrize(("limit", "largest"), [(10, 7), (3, 2), (2, -1), (0, -1), (10000, 9973)])
def test_the_autoscale_sample_finds_primes(limit: int, largest: int) -> None:
    assert primes(limit) == largest


@pytest.mark.parametrize(
    ("pids", "ignored", "caught", "deaf"),
    [
        ("31\t1", "0", "0", True),
        ("31\t1", "0", "4000", False),  # it has a handler
        ("31\t1", "4000", "0", False),  # it ignores on purpose: it may have something to finish
        ("31\t7", "0", "0", False),  # not pid 1: the kernel ends it
        ("31", "0", "0", False),
        ("1", "0", "0", False),  # a process of this namespace
        ("31\t1", "1000", "8001", True),  # other signals
    ],
)
def test_sigterm_is_lost_on_a_pid_1_without_a_handler(
    pids: str, ignored: str, caught: str, deaf: bool
) -> None:
    status = f"Name:\tx: y\nNSpid:\t{pids}\nSigIgn:\t{ignored:0>16}\nSigCgt:\t{caught:0>16}\n"
    assert is_deaf(status, 15) is deaf
