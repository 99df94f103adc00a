"""Role `broker-filter`: takes events for `/triggers/NAMESPACE/NAME/UID`, hands them to the subscriber.

What the subscriber replies is the answer, with the broker's TTL put back. Retries and dead letters are not
done here but by the channel before it.

| subscriber's answer                | answer                                                       |
|------------------------------------|--------------------------------------------------------------|
| 2xx, empty                         | the same                                                     |
| 202 with anything                  | 202, empty: it says that the answer is not there yet         |
| 2xx with an event                  | the same, the event with the TTL it came with                |
| 2xx with anything else, bad event  | 502                                                          |
| anything else                      | the same status, where it failed and with what body          |
| none                               | 500                                                          |

Source: knative/eventing pkg/broker/filter/filter_handler.go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from hauberk.dataplane.courier import ACCEPTED, FAILED_HEADER, NAMESPACE_HEADER, Courier, tokens_of
from hauberk.dataplane.lanes import ACCEPT_POST, TIMEOUT_HEADER
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.metrics import Labels, code_labels
from hauberk.dataplane.place import Place
from hauberk.dataplane.roles.broker_ingress import ARRIVAL, TTL
from hauberk.dataplane.routes import NOT_POST, Received, bad, receive
from hauberk.events import filters
from hauberk.events.contract import Contract, Egress, Resource, Served
from hauberk.events.delivery import DATA_LENGTH, NO_ANSWER, is_success
from hauberk.events.event import BadEvent, encoding_of, parse, to_binary

_HEADERS = dict((ACCEPT_POST,))
EMPTY = Answer(200, _HEADERS)


class Trigger(msgspec.Struct):
    """A trigger that is served."""

    egress: Egress
    passes: filters.Filter
    labels: Labels


async def run(place: Place) -> None:
    """Serve until the end."""
    role = BrokerFilter(place)
    server = await place.serve(role.handle)
    await place.obey(role.apply)
    await place.stopping.wait()
    await place.lame(server)


class BrokerFilter:
    """The triggers by uid."""

    def __init__(self, place: Place) -> None:
        self._courier = Courier(place.client, place.tasks)
        self._metrics = place.metrics
        self._triggers: Mapping[str, Trigger] = {}

    async def apply(self, contract: Contract) -> Served:
        """Serve these triggers from now on."""
        triggers, problems = {}, {}
        for broker in contract.resources:
            for egress in broker.egresses:
                try:
                    passes = filters.compile(egress.filters)
                except filters.FilterError as error:
                    problems[egress.uid] = str(error)
                    continue
                triggers[egress.uid] = Trigger(egress, passes, _labels(broker, egress))
        self._triggers = triggers
        return Served(contract.generation, problems, {"triggers": len(triggers)})

    async def handle(self, request: Request) -> Answer:
        """One request: an event or a batch of them."""
        if request.method != "POST":
            return NOT_POST
        parts = request.target.split("/")
        if len(parts) != 5 or parts[1] != "triggers":
            return bad(f"malformed path {request.target}: /triggers/NAMESPACE/NAME/UID is wanted")
        trigger = self._triggers.get(parts[4])
        limit = request.headers.get(TIMEOUT_HEADER, "")
        timeout_s = float(limit) if limit.replace(".", "", 1).isdigit() else None

        async def take(events: Sequence[Received]) -> list[Answer]:
            if trigger is None or (trigger.egress.namespace, trigger.egress.name) != (parts[2], parts[3]):
                return [bad(f"trigger {'/'.join(parts[2:])} not found")] * len(events)
            if len(events) == 1:
                return [await self._dispatch(trigger, events[0], timeout_s)]
            return list(await asyncio.gather(*[self._dispatch(trigger, e, timeout_s) for e in events]))

        return await receive(request, take)

    async def _dispatch(self, trigger: Trigger, received: Received, timeout_s: float | None) -> Answer:
        event = received.event
        ttl = event.attributes.pop(TTL, None)
        if ttl is None:
            return bad(f"the event has no {TTL}: it does not come from a broker")
        target = trigger.egress.subscriber
        if target is None:
            self._metrics.count("event_count", (*trigger.labels, *code_labels(400)))
            return bad("the trigger has no subscriber")
        if not trigger.passes(event):
            return EMPTY
        self._arrived(trigger, event.attributes.get(ARRIVAL, ""))
        headers = [*received.headers, ("prefer", "reply")]
        headers = [(n, v) for n, v in headers if n != NAMESPACE_HEADER]
        headers.append((NAMESPACE_HEADER, trigger.egress.namespace))
        tokens = tokens_of(trigger.egress)
        if target.audience in tokens:
            headers.append(("authorization", f"Bearer {tokens[target.audience]}"))
        start = time.monotonic()
        lane = self._courier.lane(target, timeout_s)
        structured = trigger.egress.delivery.format == "json"
        answer = await lane.send(event, headers, structured=structured)
        status = answer.status or 500
        labels = (*trigger.labels, *code_labels(status))
        took_ms = (time.monotonic() - start) * 1000
        self._metrics.observe("event_dispatch_latencies", took_ms, labels, text=_DISPATCH)
        result = judged(answer, ttl, target.url)
        self._metrics.count(
            "event_count",
            (*trigger.labels, *code_labels(result.status)),
            text="Number of events received by a Trigger",
        )
        return result

    def _arrived(self, trigger: Trigger, arrival: str) -> None:
        try:
            then = datetime.fromisoformat(arrival.replace("Z", "+00:00"))
        except ValueError:
            return
        took_ms = (datetime.now(UTC) - then).total_seconds() * 1000  # noqa: TID251
        self._metrics.observe(
            "event_processing_latencies", max(0.0, took_ms), trigger.labels, text=_PROCESSING
        )


_COUNT = "Number of events received by a Trigger"
_DISPATCH = "The time spent dispatching an event to a Trigger subscriber"
_PROCESSING = "The time spent processing an event before it is dispatched to a Trigger subscriber"


def judged(answer: Answer, ttl: str, url: str) -> Answer:
    """The answer to the channel, from the subscriber's. Pure."""
    if answer.status == NO_ANSWER:
        return _failed(500, url, answer.body)
    kept = dict(_HEADERS)
    if "retry-after" in answer.headers:
        kept["retry-after"] = answer.headers["retry-after"]
    if not is_success(answer.status):
        return _failed(answer.status, url, answer.body, kept)
    if answer.status == ACCEPTED:
        return Answer(answer.status, kept)
    if not encoding_of(answer.headers):
        if answer.body:
            return _failed(502, url, answer.body)
        return Answer(answer.status, kept)
    try:
        reply = parse(answer.headers, answer.body)
    except BadEvent as error:
        return _failed(502, url, str(error).encode())
    reply.attributes[TTL] = ttl
    headers, body = to_binary(reply)
    return Answer(answer.status, {**kept, **dict(headers)}, body)


def _failed(status: int, url: str, body: bytes, headers: Mapping[str, str] = _HEADERS) -> Answer:
    return Answer(status, {**headers, FAILED_HEADER: url}, body[:DATA_LENGTH])


def _labels(broker: Resource, egress: Egress) -> Labels:
    kind = next((f["attributes"].get("type", "") for f in egress.filters if "attributes" in f), "")
    source = next((f["attributes"].get("source", "") for f in egress.filters if "attributes" in f), "")
    return (
        ("namespace_name", egress.namespace),
        ("name", egress.name),
        ("broker_name", str(broker.settings.get("broker") or broker.name)),
        ("filter_type", kind or "any"),
        ("filter_source", source or "any"),
    )
