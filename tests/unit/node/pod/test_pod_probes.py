"""When probes are asked, and what their answers amount to."""

from __future__ import annotations

import pytest

from hauberk.kinds.core.container import Probe
from hauberk.node.pod.model import ProbeKind
from hauberk.node.pod.probes.decide import Judged, Memory, Rules, judge, next_delay, rules_of
from hauberk.node.pod.probes.grpc_health import decode_status, encode_request
from hauberk.node.pod.probes.http1 import parse_head


def test_defaults_are_upstreams_and_a_period_of_zero_is_the_shortest() -> None:
    assert rules_of(Probe()) == Rules(0.0, 10.0, 1.0, 1, 3, None)
    assert rules_of(Probe(period_seconds=0)).period_s == 1.0
    assert rules_of(Probe(initial_delay_seconds=2, failure_threshold=1)).failures == 1


def run(
    kind: ProbeKind, rules: Rules, answers: list[tuple[float, bool]], memory: Memory | None = None
) -> list[Judged]:
    out = []
    memory = memory or Memory()
    for at, ok in answers:
        judged = judge(kind, rules, memory, ok, at)
        memory = judged.memory
        out.append(judged)
    return out


def test_the_first_success_makes_ready_and_is_told_once() -> None:
    judged = run("readiness", Rules(), [(0.0, False), (0.01, False), (0.02, True), (10.0, True)])
    assert [j.verdict for j in judged] == [None, None, True, None]
    assert not any(j.unhealthy for j in judged)


def test_failures_of_early_asks_count_once_per_period() -> None:
    rules = Rules(period_s=1.0, failures=2)
    judged = run("startup", rules, [(n / 10, False) for n in range(21)])
    assert [i for i, j in enumerate(judged) if j.unhealthy] == [10, 20]
    assert [i for i, j in enumerate(judged) if j.verdict is False] == [20]


def test_after_the_first_success_every_failure_counts() -> None:
    rules = Rules(period_s=1.0, failures=2)
    judged = run("readiness", rules, [(0, True), (1, False), (2, False), (3, False), (4, True)])
    assert [j.verdict for j in judged] == [True, None, False, None, True]
    assert [j.unhealthy for j in judged] == [False, True, True, True, False]


def test_liveness_is_never_asked_early_and_counts_from_the_start() -> None:
    judged = run("liveness", Rules(failures=3), [(0, False), (10, False), (20, False)])
    assert [j.verdict for j in judged] == [None, None, False]
    assert next_delay("liveness", Rules(), Memory(), 0) == 10.0


def test_successes_have_a_threshold_too() -> None:
    judged = run("readiness", Rules(successes=3), [(0, True), (1, True), (2, True)])
    assert [j.verdict for j in judged] == [None, None, True]


def test_an_adopted_ready_container_fails_by_its_threshold() -> None:
    judged = run("readiness", Rules(failures=2), [(0, False), (10, False)], Memory(passed=True, verdict=True))
    assert [j.verdict for j in judged] == [None, False]


@pytest.mark.parametrize(
    ("waited", "delay"), [(0.0, 0.01), (0.5, 0.02), (3.0, 0.05), (20.0, 0.25), (31.0, 10.0)]
)
def test_early_asks_become_rarer(waited: float, delay: float) -> None:
    assert next_delay("readiness", Rules(), Memory(first_at=0.0), waited) == delay


def test_a_short_period_is_kept() -> None:
    assert next_delay("readiness", Rules(period_s=1.0), Memory(first_at=0.0, passed=True), 0.1) == 1.0


@pytest.mark.parametrize(
    ("head", "status", "location"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 200, ""),
        (b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n", 302, "/x"),
        (b"HTTP/1.1 204\r\n\r\n", 204, ""),
    ],
)
def test_response_heads(head: bytes, status: int, location: str) -> None:
    code, fields = parse_head(head)
    assert (code, fields.get("location", "")) == (status, location)


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(ValueError, match="malformed HTTP response"):
        parse_head(b"SSH-2.0-x\r\n\r\n")


def test_health_messages() -> None:
    assert encode_request("") == b""
    assert encode_request("a.B") == b"\x0a\x03a.B"
    assert (decode_status(b"\x08\x01"), decode_status(b""), decode_status(b"\x08\x02")) == (1, 0, 2)
