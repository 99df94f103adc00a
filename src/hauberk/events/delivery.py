"""Decisions about a delivery: again or not, when, and what a dead letter says. Pure.

| answer                              | again | because                                              |
|-------------------------------------|-------|------------------------------------------------------|
| none: refused, reset, timed out     | yes   | the subscriber may come back                         |
| 5xx, 404, 408, 409, 429             | yes   | upstream's SelectiveRetry                            |
| any other 4xx, 3xx, 1xx             | no    | the same event would fail the same way               |
| 2xx                                 | done  |                                                      |

Source: knative/eventing pkg/kncloudevents/{retries.go,http_client.go,event_dispatcher.go},
pkg/kncloudevents/attributes/knative_error.go.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime

from hauberk.events.contract import Delivery
from hauberk.events.event import Event

NO_ANSWER = 0
_AGAIN = frozenset((404, 408, 409, 429))
_OBEYS_RETRY_AFTER = frozenset((429, 503))
DATA_LENGTH = 1024  # KnativeErrorDataExtensionMaxLength
_DIGITS = re.compile(r"[0-9]+")


def is_success(status: int) -> bool:
    """Whether the event was taken."""
    return 200 <= status < 300


def is_retried(status: int) -> bool:
    """Whether a delivery with this answer may succeed later. `NO_ANSWER`: there was none."""
    return status == NO_ANSWER or status >= 500 or status in _AGAIN


def backoff_s(delivery: Delivery, attempt: int) -> float:
    """Seconds to wait before the next attempt; `attempt` counts failures, from 1.

    Source: retries.go, RetryConfigFromDeliverySpec, with attemptNum from 0 as go-retryablehttp counts.
    """
    if delivery.policy == "linear":
        return delivery.delay * (attempt - 1)
    return float(delivery.delay * 2 ** min(attempt - 1, 62))


def wait_s(
    delivery: Delivery, attempt: int, status: int, headers: Mapping[str, str], now: datetime
) -> float | None:
    """Seconds until the next attempt, or None when there is none.

    `Retry-After` of 429 and 503 only makes it longer; `retry_after_max` caps it, and 0 ignores it.
    Source: http_client.go, generateBackoffFn.
    """
    if attempt > delivery.retry or not is_retried(status):
        return None
    wait = backoff_s(delivery, attempt)
    if status in _OBEYS_RETRY_AFTER and delivery.retry_after_max != 0:
        asked = retry_after_s(headers.get("retry-after", ""), now)
        if delivery.retry_after_max is not None:
            asked = min(asked, delivery.retry_after_max)
        wait = max(wait, asked)
    return wait


def retry_after_s(text: str, now: datetime) -> float:
    """Seconds that a `Retry-After` header asks for: a number or a date; 0 when it is neither."""
    text = text.strip()
    if not text:
        return 0.0
    if _DIGITS.fullmatch(text):
        return float(min(int(text), 10**9))
    from email.utils import parsedate_to_datetime  # a megabyte of memory that hardly any process needs

    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if then.tzinfo is None:
        then = then.replace(tzinfo=now.tzinfo)
    return max(0.0, (then - now).total_seconds())


def dead_letter(event: Event, destination: str, status: int, body: bytes) -> Event:
    """The event as the dead letter sink gets it: where it failed, with what code, and the answer's body.

    `knativeerrordata` is base64 of the body, cut to 1024 characters.
    """
    data = base64.b64encode(body[:DATA_LENGTH]).decode()[:DATA_LENGTH]
    extra = {"knativeerrordest": destination, "knativeerrorcode": str(status)}
    if data:
        extra["knativeerrordata"] = data
    return Event({**event.attributes, **extra}, event.data)
