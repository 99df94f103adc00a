"""The channels of one process: what comes in is kept, then given to every subscriber that wants it.

A channel is found by the request's `Host`, or by its path. Durable channels share one log per process; an
event is answered 202 when the log has it. A subscriber sees what came after it was known here, and of that
what its filters pass.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Iterable, Sequence

import msgspec

from hauberk.dataplane.courier import Courier, Outcome
from hauberk.dataplane.kept import Kept
from hauberk.dataplane.log import Body
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.metrics import code_labels
from hauberk.dataplane.place import Place
from hauberk.dataplane.policy import Gate
from hauberk.dataplane.readers import Crowd, Item, Reader
from hauberk.dataplane.routes import ACCEPTED, ALLOW, Received, bad, receive, refused_method
from hauberk.events import filters
from hauberk.events.contract import Contract, Egress, Resource, Served
from hauberk.events.event import Event

log = logging.getLogger(__name__)

_LOOK_S = 5.0  # between looks for what a killed replica left, and for what the log can let go


class Channel(msgspec.Struct):
    """A channel that is served."""

    resource: Resource
    gate: Gate
    readers: tuple[Reader, ...] = ()


class Dispatcher:
    """All channels of the process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._courier = Courier(place.client, place.tasks)
        self._crowd = Crowd(self._report)
        self._by_host: dict[str, Channel] = {}
        self._by_path: dict[str, Channel] = {}
        self._readers: dict[str, Reader] = {}
        self._kept = Kept(place.data, place.tasks)
        self._kept.recover()
        self._sequence = self._kept.sequence
        place.metrics.count("deliveries_recovered", by=self._kept.recovered)
        self._count_lost(self._kept.losses.lost_before)

    # contract

    async def apply(self, contract: Contract) -> Served:
        """Serve these channels from now on; what waits for subscribers that are not in it is dropped."""
        by_host: dict[str, Channel] = {}
        by_path: dict[str, Channel] = {}
        readers: dict[str, Reader] = {}
        problems: dict[str, str] = {}
        for resource in contract.resources:
            try:
                gate = Gate(resource, contract.settings)
            except ValueError as error:
                problems[resource.uid] = str(error)
                continue
            own = [r for egress in resource.egresses if (r := self._reader(egress, problems)) is not None]
            readers |= {reader.egress.uid: reader for reader in own}
            channel = Channel(resource, gate, tuple(own))
            by_host |= {host.lower(): channel for host in resource.hosts}
            by_path[resource.path or f"/{resource.namespace}/{resource.name}"] = channel
        gone = [reader for uid, reader in self._readers.items() if readers.get(uid) is not reader]
        self._by_host, self._by_path, self._readers = by_host, by_path, readers
        for reader in gone:
            reader.forget()
        self._kept.hand_over(readers, final=self._place.is_fresh)
        counts = {"channels": len(by_path), "subscribers": len(readers), "waiting": self.waiting}
        return Served(contract.generation, problems, counts)

    def _reader(self, egress: Egress, problems: dict[str, str]) -> Reader | None:
        try:
            passes = filters.compile(egress.filters)
        except filters.FilterError as error:
            problems[egress.uid] = str(error)
            return None
        known = self._readers.get(egress.uid)
        if known is None:
            return Reader(egress, passes, self._courier, self._place.tasks, self._crowd)
        known.egress, known.passes = egress, passes
        return known

    # events

    async def handle(self, request: Request) -> Answer:
        """One request: an event or a batch of them."""
        refused = refused_method(request)
        if refused is not None:
            return refused
        path = request.target.partition("?")[0].removesuffix("/")
        channel = self._by_path.get(path) if path else self._by_host.get(request.host)
        if channel is None:
            return bad(f"unknown channel: {path or request.host}", 404)
        bearer = request.headers.get("authorization", "")

        async def take(events: Sequence[Received]) -> list[Answer]:
            return await self._take(channel, events, bearer)

        return await receive(request, take)

    async def _take(self, channel: Channel, events: Sequence[Received], bearer: str) -> list[Answer]:
        answers: list[Answer] = []
        wanted: list[tuple[Received, list[Reader]]] = []
        for received in events:
            refusal = channel.gate.refusal(received.event, bearer)
            answers.append(ACCEPTED if refusal is None else bad(refusal.text, refusal.status))
            if refusal is None:
                readers = [reader for reader in channel.readers if reader.passes(received.event)]
                if readers:
                    wanted.append((received, readers))
        if wanted and channel.resource.durable:
            try:
                await self._keep(channel.resource.uid, wanted)
            except OSError as error:
                refused = self._unwritten(error)
                return [refused if answer is ACCEPTED else answer for answer in answers]
        else:
            self._remember(wanted)
        return answers

    def _unwritten(self, error: OSError) -> Answer:
        log.error("events could not be written: %s", error)
        self._place.metrics.count("log_failures")
        return Answer(507 if error.errno == errno.ENOSPC else 500, ALLOW, str(error).encode())

    def _remember(self, wanted: Iterable[tuple[Received, list[Reader]]]) -> None:
        losses = self._kept.losses
        for received, readers in wanted:
            losses.begin(len(readers))
            for reader in readers:
                reader.put(Item(received.event, received.headers, losses=losses))

    async def _keep(self, uid: str, wanted: Sequence[tuple[Received, list[Reader]]]) -> None:
        bodies = [self._body(uid, received, readers) for received, readers in wanted]
        kept = await self._kept.append(bodies)
        for (received, readers), entries in zip(wanted, kept, strict=True):
            for reader, entry in zip(readers, entries, strict=True):
                item = Item(received.event, received.headers, self._kept.log, entry)
                if self._readers.get(reader.egress.uid) is reader:
                    reader.put(item)
                else:  # the subscriber went while the disk wrote
                    item.settle()

    def _body(self, uid: str, received: Received, readers: Sequence[Reader]) -> Body:
        self._sequence = max(self._sequence + 1, time.time_ns())
        event = received.event
        names = [reader.egress.uid for reader in readers]
        return Body(uid, self._sequence, names, list(received.headers), event.attributes, event.data)

    @property
    def waiting(self) -> int:
        """Deliveries that have not ended."""
        return sum(len(r.queue) + len(r.under_way) for r in self._readers.values())

    # figures

    def _report(self, egress: Egress, event: Event, outcome: Outcome, took_s: float) -> None:
        https = egress.subscriber is not None and egress.subscriber.url.startswith("https:")
        labels = (
            ("namespace_name", egress.namespace),
            ("event_type", event.type),
            ("event_scheme", "https" if https else "http"),
            *code_labels(outcome.status or 500),
        )
        metrics = self._place.metrics
        metrics.count("event_count", labels, text="Number of events dispatched by the channel")
        text = "The time spent by the channel dispatching an event"
        metrics.observe("event_dispatch_latencies", took_s * 1000, labels, text=text)
        if not outcome.is_settled:
            name = f"{egress.namespace}/{egress.name}"
            metrics.count("events_dropped", (("subscriber", name),), text="No retries left, no dead letter")
            log.warning("%s: event %s dropped: %s %s", name, event.id, outcome.status, outcome.text)

    def _count_lost(self, count: int) -> None:
        if count:
            log.warning("%d deliveries of channels kept in memory only are lost", count)
        self._place.metrics.count("events_lost", by=count, text="Lost with a process: not durable")

    # time

    async def tend(self) -> None:
        """Look after slots, segments and gauges until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self._kept.take_left()
            self._kept.hand_over(self._readers, final=False)
            await self._kept.tidy(list(self._readers.values()))
            self._place.metrics.gauge("deliveries_waiting", self.waiting)
            self._place.metrics.gauge("log_bytes", self._kept.log.bytes_kept)

    async def close(self, patience_s: float = 5.0) -> None:
        """Let deliveries under way end, for a while; what is left is in the log, or counted as lost."""
        for reader in self._readers.values():
            reader.finish()
        running = [task for reader in self._readers.values() for task in reader.under_way]
        if running:
            await asyncio.wait(running, timeout=patience_s)
        for reader in self._readers.values():
            reader.stop()
        self._count_lost(self._kept.losses.held)
        await self._kept.close()
