"""Brings an event to a subscriber: retries, the reply, the dead letter.

Source: knative/eventing pkg/kncloudevents/event_dispatcher.go, send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from hauberk.dataplane.client import Client
from hauberk.dataplane.lanes import HOP_HEADER, Lane
from hauberk.dataplane.messages import Answer, HeaderList
from hauberk.events.contract import Delivery, Egress, Target
from hauberk.events.delivery import NO_ANSWER, dead_letter, is_success, wait_s
from hauberk.events.event import BadEvent, Event, encoding_of, parse

NAMESPACE_HEADER = "kn-namespace"
FAILED_HEADER = "hauberk-failed-at"  # of broker-filter's answer: the subscriber that did not take the event
_HOP_RETRIES = 200  # with 5 s between them: a quarter of an hour
_HOP_WAIT_S = 5.0
_LANES = 4096  # of URLs not used lately the lane is forgotten


class Outcome(msgspec.Struct, frozen=True):
    """How a delivery ended. `where`: subscriber, dead letter or nowhere; `status` as answered."""

    where: str
    status: int
    text: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether somebody has the event."""
        return self.where != "nowhere"


ACCEPTED = 202  # its body is never a reply. Source: knative/specs specs/eventing/data-plane.md, Derived


class Courier:
    """Delivers for all egresses of a process."""

    def __init__(self, client: Client, tasks: asyncio.TaskGroup) -> None:
        self._client, self._tasks = client, tasks
        self._lanes: dict[tuple[str, str, float | None], Lane] = {}

    def lane(self, target: Target, timeout_s: float | None = None) -> Lane:
        """The way to a target."""
        key = (target.url, target.ca, timeout_s)
        found = self._lanes.get(key)
        if found is None:
            if len(self._lanes) >= _LANES:
                self._lanes.clear()
            found = Lane(self._client, self._tasks, target.url, ca=target.ca, timeout_s=timeout_s)
            self._lanes[key] = found
        return found

    async def deliver(self, event: Event, egress: Egress, headers: HeaderList = ()) -> Outcome:
        """Deliver an event to a subscriber, what it replies to `reply`, what fails to the dead letter sink.

        Returns when all of that has ended, which may take as long as the retries do.
        """
        target, delivery = egress.subscriber, egress.delivery
        if target is None:
            return await self._forward(event, event, egress, headers, ACCEPTED)
        answer = await self.insist(
            target, event, [*headers, ("prefer", "reply")], delivery, tokens_of(egress)
        )
        if not is_success(answer.status):
            return await self._dead(event, egress, target.url, answer, headers)
        if egress.reply is None or answer.status == ACCEPTED or not encoding_of(answer.headers):
            return Outcome("subscriber", answer.status)
        try:
            reply = parse(answer.headers, answer.body)
        except BadEvent as error:
            bad = Answer(502, {}, f"the reply is not a CloudEvent: {error}".encode())
            return await self._dead(event, egress, target.url, bad, headers)
        return await self._forward(event, reply, egress, headers, answer.status)

    async def _forward(
        self, event: Event, reply: Event, egress: Egress, headers: HeaderList, status: int
    ) -> Outcome:
        """Give `reply` to where replies go: the subscriber's, or without a subscriber the event itself.

        Source: knative/eventing pkg/kncloudevents/event_dispatcher.go, send: without a destination the
        message is its own answer.
        """
        if egress.reply is None:
            return await self._dead(event, egress, "", Answer(NO_ANSWER, {}, b"no subscriber"), headers)
        replied = await self.insist(egress.reply, reply, headers, egress.delivery, tokens_of(egress))
        if not is_success(replied.status):
            return await self._dead(event, egress, egress.reply.url, replied, headers)
        return Outcome("subscriber", status)

    async def insist(
        self,
        target: Target,
        event: Event,
        headers: HeaderList,
        delivery: Delivery,
        tokens: Mapping[str, str] = {},
    ) -> Answer:
        """Send until it is taken, refused for good, or the retries are used up. The last answer.

        A hop of our own that is down (`HOP_HEADER`) is not the subscriber's failure: it costs no retries.
        """
        lane = self.lane(target, delivery.timeout)
        if target.audience in tokens:
            headers = [*headers, ("authorization", f"Bearer {tokens[target.audience]}")]
        structured = delivery.format == "json"
        attempt = broken = 0
        while True:
            answer = await lane.send(event, headers, structured=structured)
            if is_success(answer.status):
                return answer
            if HOP_HEADER in answer.headers and broken < _HOP_RETRIES:
                await asyncio.sleep(min(0.05 * 2**broken, _HOP_WAIT_S))
                broken += 1
                continue
            attempt += 1
            wait = wait_s(delivery, attempt, answer.status, answer.headers, datetime.now(UTC))  # noqa: TID251
            if wait is None:
                return answer
            await asyncio.sleep(wait)

    async def _dead(
        self, event: Event, egress: Egress, where: str, answer: Answer, headers: HeaderList
    ) -> Outcome:
        text = answer.body[:200].decode(errors="replace")
        sink = egress.delivery.dead_letter
        if sink is None:
            return Outcome("nowhere", answer.status, text)
        letter = dead_letter(event, failed_at(where, answer), answer.status or 500, answer.body)
        last = await self.insist(sink, letter, headers, egress.delivery, tokens_of(egress))
        if is_success(last.status):
            return Outcome("dead letter", answer.status, text)
        return Outcome("nowhere", answer.status, f"{text}; dead letter sink: {last.status}")


def tokens_of(egress: Egress) -> Mapping[str, str]:
    """Audience → token, as the control plane gave them."""
    tokens: Mapping[str, str] = egress.settings.get("tokens", {})
    return tokens


def failed_at(url: str, answer: Answer) -> str:
    """Where a delivery failed in the user's view: not at broker-filter but at the subscriber behind it.

    Source: event_dispatcher.go, dispatchExecutionInfoTransformers, which reads it from the answer's body.
    """
    return answer.headers.get(FAILED_HEADER, url)
