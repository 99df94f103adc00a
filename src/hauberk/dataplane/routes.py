"""What receivers of events have in common: methods, batches, tokens.

Source: knative/eventing pkg/broker/ingress/ingress_handler.go, pkg/channel/event_receiver.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from hauberk.dataplane.lanes import ACCEPT_POST, outcomes, passed_on, take_headers
from hauberk.dataplane.messages import Answer, HeaderList, Request
from hauberk.events.event import BadEvent, Event, encoding_of, parse, parse_batch

ALLOW = {"allow": "POST, OPTIONS"}
ACCEPTED = Answer(202, {**ALLOW, ACCEPT_POST[0]: ACCEPT_POST[1]})
_WEBHOOK = {**ALLOW, "webhook-allowed-origin": "*", "webhook-allowed-rate": "*"}
NOT_POST = Answer(405, ALLOW)


class Received(msgspec.Struct):
    """One event as it came in."""

    event: Event
    headers: HeaderList


Take = Callable[[Sequence[Received]], Awaitable[list[Answer]]]


def refused_method(request: Request) -> Answer | None:
    """The answer to what is not a POST."""
    if request.method == "POST":
        return None
    return Answer(200, _WEBHOOK) if request.method == "OPTIONS" else NOT_POST


def bad(text: str, status: int = 400) -> Answer:
    """A refusal with its reason for whoever debugs it."""
    return Answer(status, {**ALLOW, "content-type": "text/plain"}, text.encode())


async def receive(request: Request, take: Take) -> Answer:
    """Read one event or a batch, hand them on together, answer for each."""
    try:
        if encoding_of(request.headers) != "batch":
            event = parse(request.headers, request.body)
            (answer,) = await take([Received(event, passed_on(request.headers))])
            return answer
        events = parse_batch(request.headers, request.body)
    except BadEvent as error:
        return bad(str(error))
    return outcomes(await take([_unpacked(event) for event in events]))


def _unpacked(event: Event) -> Received:
    return Received(event, passed_on(take_headers(event)))
