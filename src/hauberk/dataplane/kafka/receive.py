"""Receivers: an event over HTTP becomes a record, and is acknowledged when every in-sync replica has it.

| request                                   | answer |
|-------------------------------------------|--------|
| the record is written                     | 202    |
| not a CloudEvent                          | 400    |
| no such broker, channel or sink           | 404    |
| not POST (OPTIONS: 200)                   | 405    |
| the record cannot be written (or in time) | 503    |

Source: knative-extensions/eventing-kafka-broker data-plane receiver IngressRequestHandlerImpl.java.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from hauberk.dataplane.kafka.connection import Connection, arguments, connection_of
from hauberk.dataplane.kafka.record import Message, to_message
from hauberk.dataplane.kafka.words import text_of
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.metrics import code_labels
from hauberk.dataplane.place import Place
from hauberk.events.contract import Contract, Resource, Served
from hauberk.events.event import BadEvent, parse_batch

log = logging.getLogger(__name__)

WRITTEN_WITHIN_S = 5.0
AGAIN_S = (0.2, 0.5, 1.0, 2.0)
ACCEPTED = Answer(202)
_ALLOWED = {"allow": "POST, OPTIONS"}


class Unwritten(Exception):
    """The record is not known to be written. The text says why."""


class Link:
    """A producer for one cluster: connects in the background, again and again until it is there."""

    def __init__(self, connection: Connection, tasks: asyncio.TaskGroup) -> None:
        self.connection = connection
        self.problem = "not connected yet"
        self._producer: AIOKafkaProducer | None = None
        self._task = tasks.create_task(self._connect())

    async def _connect(self) -> None:
        attempt = 0
        while True:
            producer = None
            try:
                producer = AIOKafkaProducer(
                    acks="all",
                    linger_ms=0,
                    max_request_size=8 * 1024 * 1024,
                    request_timeout_ms=10_000,
                    retry_backoff_ms=100,
                    metadata_max_age_ms=5_000,
                    **arguments(self.connection),
                )
                await producer.start()
            except (KafkaError, OSError, ValueError) as error:
                self.problem = text_of(error, self.connection.servers)
                if producer is not None:
                    await producer.stop()
                await asyncio.sleep(AGAIN_S[min(attempt, len(AGAIN_S) - 1)])
                attempt += 1
            else:
                self._producer, self.problem = producer, ""
                return

    async def write(self, topic: str, message: Message) -> None:
        """Write one record. Raises Unwritten."""
        if self._producer is None:
            raise Unwritten(self.problem)
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S):
                waiting = await self._producer.send(
                    topic, message.value, key=message.key, headers=message.headers
                )
                # the record is on its way: leaving early must not take it from its batch
                await asyncio.shield(waiting)
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unwritten(text_of(error, self.connection.servers)) from error

    async def close(self) -> None:
        """Write what is buffered, disconnect."""
        self._task.cancel()
        if self._producer is not None:
            await self._producer.stop()


class Links:
    """One producer per cluster and login, shared by all resources that use it."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._by: dict[Connection, Link] = {}

    def to(self, connection: Connection) -> Link:
        """The producer of a cluster."""
        if connection not in self._by:
            self._by[connection] = Link(connection, self._tasks)
        return self._by[connection]

    async def keep(self, wanted: set[Connection]) -> None:
        """Close the others."""
        for connection in set(self._by) - wanted:
            await self._by.pop(connection).close()


class Receiver:
    """The handler of one receiver process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._links = Links(place.tasks)
        self._by_path: Mapping[str, tuple[Resource, Link]] = {}
        self._by_host: Mapping[str, tuple[Resource, Link]] = {}

    async def apply(self, contract: Contract) -> Served:
        """Serve exactly what the contract names."""
        by_path, by_host, problems = {}, {}, {}
        wanted: set[Connection] = set()
        for resource in contract.resources:
            try:
                connection = connection_of(resource.settings)
                arguments(connection)
            except (ValueError, OSError) as error:
                problems[resource.uid] = str(error)
                continue
            wanted.add(connection)
            row = (resource, self._links.to(connection))
            if resource.path:
                by_path[resource.path] = row
            by_host.update(dict.fromkeys(resource.hosts, row))
        self._by_path, self._by_host = by_path, by_host
        await self._links.keep(wanted)
        return Served(contract.generation, problems, {"resources": len(contract.resources)})

    async def handle(self, request: Request) -> Answer:
        """One request."""
        answer = await self._answer(request)
        self._place.metrics.count("event_count", code_labels(answer.status), text="Events received")
        return answer

    async def _answer(self, request: Request) -> Answer:
        path = request.target.partition("?")[0]
        found = self._by_host.get(request.host) or self._by_path.get(path.rstrip("/") or "/")
        if found is None:
            return Answer(404)
        if request.method != "POST":
            return Answer(200 if request.method == "OPTIONS" else 405, _ALLOWED)
        resource, link = found
        try:
            events = parse_batch(request.headers, request.body)
        except BadEvent as error:
            return Answer(400, {}, str(error).encode())
        settings: Mapping[str, Any] = resource.settings
        messages = [to_message(event, settings.get("mode", "binary")) for event in events]
        try:
            for message in messages:
                await link.write(settings["topic"], message)
        except Unwritten as error:
            log.warning("%s %s/%s: %s", resource.kind, resource.namespace, resource.name, error)
            return Answer(503, {}, str(error).encode())
        return ACCEPTED

    async def close(self) -> None:
        """Write what is buffered."""
        await self._links.keep(set())


async def run(place: Place) -> None:
    """The role of every receiver."""
    receiver = Receiver(place)
    await place.obey(receiver.apply)
    server = await place.serve(receiver.handle)
    await place.stopping.wait()
    await place.lame(server)
    await receiver.close()
