from __future__ import annotations

import pytest

from hauberk.autoscaler.facts import Sample
from hauberk.autoscaler.metrics import Reading, ended_between, parse_metrics, sample_of, sum_of
from hauberk.autoscaler.scrape import ScrapeFailed, parse_answer

TEXT = """# TYPE envoy_cluster_upstream_rq_active gauge
envoy_cluster_upstream_rq_active{envoy_cluster_name="queue|user"} 3
envoy_cluster_upstream_rq_pending_active{envoy_cluster_name="queue|user"} 2
envoy_cluster_upstream_rq_total{envoy_cluster_name="queue|user"} 41
envoy_cluster_upstream_rq_total{envoy_cluster_name="other"} 999
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="queue|user"} 1234.5
"""


def test_only_user_requests_are_read() -> None:
    assert parse_metrics(TEXT) == Reading(active=3, waiting=2, total=41, busy_ms=1234.5)


def test_long_requests_are_seen_while_they_run_and_short_ones_by_their_durations() -> None:
    before = Reading(total=10, busy_ms=1000)
    assert sample_of(before, Reading(active=5, total=10, busy_ms=1000), 1.0) == Sample(5, 0)
    assert sample_of(before, Reading(total=110, busy_ms=3000), 1.0) == Sample(0, 100, 2.0)


def test_the_end_of_one_long_request_is_one_request() -> None:
    before = Reading(active=1, total=10)
    assert sample_of(before, Reading(total=10, busy_ms=60_000), 1.0) == Sample(0, 0, 1.0)


def test_a_duration_that_is_shown_late_counts() -> None:
    rows = [Reading(), Reading(total=1), Reading(total=1, busy_ms=10)]
    assert sample_of(rows[0], rows[1], 1.0) == Sample(0, 1, 0)
    ended = ended_between(rows[0], rows[1])
    assert sample_of(rows[1], rows[2], 1.0, ended_earlier=ended) == Sample(0, 0, 0.01)


def test_an_idle_pod_measures_exactly_nothing() -> None:
    row = Reading(total=10, busy_ms=1000)
    assert sample_of(row, row, 1.0) == Sample(0, 0)


def test_counters_that_went_back_start_anew() -> None:
    assert sample_of(Reading(total=10), Reading(active=1, total=2), 1.0) == Sample(1, 0)


def test_pods_that_did_not_answer_are_taken_to_be_like_the_others() -> None:
    assert sum_of([Sample(2, 4, 1), Sample(4, 8, 1)], 3) == Sample(9, 18, 3)


def test_chunked_and_plain_answers() -> None:
    plain = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n yo\r\n0\r\n\r\n"
    assert parse_answer(plain) == "hi"
    assert parse_answer(chunked) == "hi yo"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"HTTP/1.1 503 no\r\n\r\nreset",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz",
    ],
)
def test_anything_else_is_a_failed_scrape(raw: bytes) -> None:
    with pytest.raises(ScrapeFailed):
        parse_answer(raw)
