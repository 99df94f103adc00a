"""One event to one subscriber: attempts, reply, dead letter. It ends in an `Outcome`, always.

What cannot be delivered, nor dead-lettered, is counted, logged and left behind.
Source: knative-extensions/eventing-kafka-broker data-plane dispatcher RecordDispatcherImpl.java.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from hauberk.dataplane.client import Client, NoAnswer
from hauberk.dataplane.messages import Answer
from hauberk.events.contract import Delivery, Egress, Target
from hauberk.events.delivery import NO_ANSWER, dead_letter, is_success, wait_s
from hauberk.events.event import BadEvent, Event, Headers, encoding_of, parse, to_binary, to_structured

Outcome = Literal["delivered", "dead-lettered", "lost"]
Reply = Callable[[Event], Awaitable[bool]]
"""Takes a subscriber's reply; False when it could not be kept."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The last answer, when none was good. `status` 0: there was none."""

    status: int
    body: bytes


def now() -> datetime:
    """For dates in Retry-After headers only."""
    return datetime.now(UTC)  # noqa: TID251


async def deliver(client: Client, egress: Egress, event: Event, reply: Reply | None = None) -> Outcome:
    """Deliver one event as the egress says."""
    if egress.attributes:
        event = event.using(**egress.attributes)
    if egress.subscriber is None:
        return "lost"
    failure = await _attempts(client, egress.subscriber, egress, event, reply)
    if failure is None:
        return "delivered"
    if egress.delivery.dead_letter is None:
        return "lost"
    letter = dead_letter(event, egress.subscriber.url, failure.status, failure.body)
    left = await _attempts(client, egress.delivery.dead_letter, egress, letter, None)
    return "dead-lettered" if left is None else "lost"


async def _attempts(
    client: Client, target: Target, egress: Egress, event: Event, reply: Reply | None
) -> Failure | None:
    """Try until it is taken or no further attempt is due; None when it was taken."""
    headers, body = _message(event, egress.delivery)
    headers = [*headers, ("kn-namespace", egress.namespace)]
    if reply is not None:
        headers.append(("prefer", "reply"))
    attempt = 0
    while True:
        answer = await _post(client, target, headers, body, egress.delivery.timeout)
        if is_success(answer.status) and await _replied(answer, reply):
            return None
        attempt += 1
        status = answer.status if not is_success(answer.status) else 500  # the reply could not be kept
        wait = wait_s(egress.delivery, attempt, status, answer.headers, now())
        if wait is None:
            return Failure(status, answer.body)
        await asyncio.sleep(wait)


async def _post(
    client: Client, target: Target, headers: Headers, body: bytes, timeout_s: float | None
) -> Answer:
    try:
        return await client.post(target.url, headers, body, timeout_s=timeout_s, ca=target.ca)
    except NoAnswer as error:
        return Answer(NO_ANSWER, {}, str(error).encode())


async def _replied(answer: Answer, reply: Reply | None) -> bool:
    """Whether there is no reply, or it was kept. An answer that is no event is no reply."""
    if reply is None or not encoding_of(answer.headers):
        return True
    try:
        return await reply(parse(answer.headers, answer.body))
    except BadEvent:
        return False


def _message(event: Event, delivery: Delivery) -> tuple[Headers, bytes]:
    return to_structured(event) if delivery.format == "json" else to_binary(event)
