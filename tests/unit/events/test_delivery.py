"""Again or not, when, and what a dead letter says."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from hauberk.events.contract import Delivery
from hauberk.events.delivery import (
    NO_ANSWER,
    backoff_s,
    dead_letter,
    is_retried,
    is_success,
    retry_after_s,
    wait_s,
)
from hauberk.events.event import Event

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.must("evd-reserved")
@pytest.mark.parametrize(
    ("status", "again"),
    [
        (NO_ANSWER, True),
        (100, False),
        (200, False),
        (202, False),
        (301, False),
        (400, False),
        (401, False),
        (403, False),
        (404, True),
        (408, True),
        (409, True),
        (410, False),
        (413, False),
        (429, True),
        (500, True),
        (502, True),
        (503, True),
        (599, True),
    ],
)
def test_what_is_sent_again(status: int, again: bool) -> None:
    assert is_retried(status) is again
    assert is_success(status) is (200 <= status < 300)


def test_backoff() -> None:
    assert [backoff_s(Delivery(delay=0.2), n) for n in (1, 2, 3, 10)] == [0.2, 0.4, 0.8, 0.2 * 512]
    assert [backoff_s(Delivery(delay=0.2, policy="linear"), n) for n in (1, 2, 3)] == [0.0, 0.2, 0.4]
    assert backoff_s(Delivery(delay=1.0), 5000) > 0


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("9" * 400, 1e9),
    ],
)
def test_retry_after(text: str, wait: float) -> None:
    assert retry_after_s(text, NOW) == wait


@pytest.mark.parametrize(
    ("delivery", "attempt", "status", "headers", "want"),
    [
        (Delivery(), 1, 500, {}, None),
        (Delivery(retry=1), 1, 500, {}, 0.2),
        (Delivery(retry=1), 2, 500, {}, None),
        (Delivery(retry=3), 1, 400, {}, None),
        (Delivery(retry=3), 1, 503, {"retry-after": "9"}, 9.0),
        (Delivery(retry=3), 1, 500, {"retry-after": "9"}, 0.2),
        (Delivery(retry=3, retry_after_max=4), 1, 429, {"retry-after": "9"}, 4.0),
        (Delivery(retry=3, retry_after_max=0), 1, 429, {"retry-after": "9"}, 0.2),
        (Delivery(retry=3, delay=30), 1, 429, {"retry-after": "9"}, 30.0),
    ],
)
def test_wait(
    delivery: Delivery, attempt: int, status: int, headers: dict[str, str], want: float | None
) -> None:
    assert wait_s(delivery, attempt, status, headers, NOW) == want


def test_a_dead_letter_says_where_and_why() -> None:
    event = Event({"id": "1", "type": "t"}, b"data")
    letter = dead_letter(event, "http://a.ns/", 500, b"no")
    assert letter.data == b"data"
    assert letter.attributes == {
        **event.attributes,
        "knativeerrordest": "http://a.ns/",
        "knativeerrorcode": "500",
        "knativeerrordata": base64.b64encode(b"no").decode(),
    }
    assert "knativeerrordata" not in dead_letter(event, "d", 500, b"").attributes


def test_the_data_of_a_dead_letter_is_cut() -> None:
    data = dead_letter(Event({}), "d", 500, b"x" * 5000).attributes["knativeerrordata"]
    assert len(data) == 1024
