"""What sources share: one event to one target, with upstream's patience."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from hauberk.dataplane.client import NoAnswer
from hauberk.dataplane.messages import Answer
from hauberk.dataplane.place import Place
from hauberk.events.contract import Delivery, Target
from hauberk.events.delivery import NO_ANSWER, is_success, wait_s
from hauberk.events.event import Event, to_binary

log = logging.getLogger(__name__)

TIMEOUT_S = 30.0
RETRIES = Delivery(retry=5, policy="exponential", delay=0.05)
"""Source: knative/eventing pkg/adapter/mtping/runner.go, ContextWithRetriesExponentialBackoff."""


def now() -> float:
    """Seconds since the epoch."""
    return time.time()  # noqa: TID251 - the edge of the process


async def send(place: Place, target: Target, event: Event, delivery: Delivery = RETRIES) -> bool:
    """POST the event until it is taken or patience ends. Whether it was; a loss is logged and counted."""
    headers, body = to_binary(event)
    for attempt in range(1, delivery.retry + 2):
        answer = await _once(place, target, headers, body)
        if is_success(answer.status):
            place.metrics.count("event_count", (("response_code", str(answer.status)),))
            return True
        pause = wait_s(delivery, attempt, answer.status, answer.headers, datetime.fromtimestamp(now(), UTC))
        if pause is None:
            break
        await asyncio.sleep(pause)
    place.metrics.count("event_count", (("response_code", str(answer.status)),))
    why = answer.body.decode("utf-8", "replace") if answer.status == NO_ANSWER else f"HTTP {answer.status}"
    log.error("event %s of %s is lost: %s: %s", event.id, event.source, target.url, why)
    return False


async def _once(place: Place, target: Target, headers: list[tuple[str, str]], body: bytes) -> Answer:
    try:
        return await place.client.post(target.url, headers, body, timeout_s=TIMEOUT_S, ca=target.ca)
    except (NoAnswer, ValueError) as error:
        return Answer(NO_ANSWER, {}, str(error).encode())


def extensions_of(env: Mapping[str, str]) -> dict[str, str]:
    """The attributes that `K_CE_OVERRIDES` adds to every event."""
    try:
        said = json.loads(env.get("K_CE_OVERRIDES") or "{}")
    except ValueError:
        log.warning("K_CE_OVERRIDES is not JSON: it is ignored")
        return {}
    found = said.get("extensions") if isinstance(said, dict) else None
    return {str(k): str(v) for k, v in (found or {}).items()}
