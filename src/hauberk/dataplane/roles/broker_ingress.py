"""Role `broker-ingress`: takes events for `/NAMESPACE/BROKER`, hands them to the broker's channel.

| request                                           | answer                                        |
|---------------------------------------------------|-----------------------------------------------|
| OPTIONS                                           | 200, any origin, any rate                     |
| not POST                                          | 405                                           |
| path `/`                                          | 404                                           |
| path not of two parts                             | 400                                           |
| not a valid CloudEvent                            | 400                                           |
| no such broker                                    | 404                                           |
| no token, or a bad one, where tokens are asked    | 401                                           |
| no policy lets the token's subject send it        | 403                                           |
| it has been through brokers 255 times             | 400                                           |
| otherwise                                         | the channel's: 202 when it is in the log      |

Source: knative/eventing pkg/broker/ingress/ingress_handler.go, pkg/broker/ttl.go.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from hauberk.dataplane.courier import Courier
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.metrics import Metrics, code_labels
from hauberk.dataplane.place import Place
from hauberk.dataplane.policy import Gate
from hauberk.dataplane.routes import ACCEPTED, ALLOW, Received, bad, receive, refused_method
from hauberk.events.contract import Contract, Resource, Served, Target
from hauberk.events.delivery import NO_ANSWER, is_success

TTL = "knativebrokerttl"
ARRIVAL = "knativearrivaltime"
_TTL_START = 255
_INTEGER = re.compile(r"-?[0-9]{1,10}")


class Broker(msgspec.Struct):
    """A broker that is served: its channel, and who may send."""

    resource: Resource
    channel: Target
    gate: Gate


async def run(place: Place) -> None:
    """Serve until the end."""
    ingress = Ingress(place)
    server = await place.serve(ingress.handle)
    await place.obey(ingress.apply)
    await place.stopping.wait()
    await place.lame(server)


class Ingress:
    """The brokers by path."""

    def __init__(self, place: Place) -> None:
        self._courier = Courier(place.client, place.tasks)
        self._metrics = place.metrics
        self._brokers: Mapping[str, Broker] = {}

    async def apply(self, contract: Contract) -> Served:
        """Serve these brokers from now on."""
        brokers, problems = {}, {}
        for resource in contract.resources:
            if resource.target is None:
                problems[resource.uid] = "the broker's channel has no address"
                continue
            try:
                gate = Gate(resource, contract.settings)
            except ValueError as error:
                problems[resource.uid] = str(error)
                continue
            path = resource.path or f"/{resource.namespace}/{resource.name}"
            brokers[path] = Broker(resource, resource.target, gate)
        self._brokers = brokers
        return Served(contract.generation, problems, {"brokers": len(brokers)})

    async def handle(self, request: Request) -> Answer:
        """One request."""
        refused = refused_method(request)
        if refused is not None:
            return refused
        path = request.target.removesuffix("/")
        if not path:
            return Answer(404, ALLOW)
        if path.count("/") != 2:
            return bad(f"malformed path {request.target}: /NAMESPACE/BROKER is wanted")
        broker = self._brokers.get(path)

        async def take(events: Sequence[Received]) -> list[Answer]:
            if broker is None:
                return [bad(f"broker {path[1:]} not found", 404)] * len(events)
            bearer = request.headers.get("authorization", "")
            return list(await asyncio.gather(*[self._send(broker, e, bearer) for e in events]))

        return await receive(request, take)

    async def _send(self, broker: Broker, received: Received, bearer: str) -> Answer:
        event = received.event
        refusal = broker.gate.refusal(event, bearer)
        if refusal is not None:
            return bad(refusal.text, refusal.status)
        left = ttl_of(event.attributes)
        if left <= 0:
            return bad("the event has been through brokers too often", 400)
        event.attributes[TTL] = str(left)
        event.attributes[ARRIVAL] = datetime.now(UTC).isoformat().replace("+00:00", "Z")  # noqa: TID251
        start = time.monotonic()
        answer = await self._courier.lane(broker.channel).send(event, received.headers)
        status = 500 if answer.status == NO_ANSWER else answer.status
        _count(self._metrics, broker.resource, event.type, status, time.monotonic() - start)
        return ACCEPTED if is_success(status) else bad(answer.body.decode(errors="replace"), status)


def ttl_of(attributes: Mapping[str, str]) -> int:
    """How many brokers an event may still enter, this one counted.

    Source: pkg/broker/ttl.go, TTLDefaulter.
    """
    text = attributes.get(TTL, "")
    if not _INTEGER.fullmatch(text):
        return _TTL_START
    return max(0, int(text) - 1)


def _count(metrics: Metrics, resource: Resource, event_type: str, status: int, took_s: float) -> None:
    labels = (
        ("namespace_name", resource.namespace),
        ("broker_name", resource.name),
        ("event_type", event_type),
        *code_labels(status),
    )
    metrics.count("event_count", labels, text="Number of events received by a Broker")
    text = "The time spent dispatching an event to a Channel"
    metrics.observe("event_dispatch_latencies", took_s * 1000, labels, text=text)
