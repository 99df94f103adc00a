"""Dispatchers: a consumer group for each egress of the contract. What did not change goes on undisturbed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from hauberk.dataplane.kafka.connection import Connection, arguments, connection_of
from hauberk.dataplane.kafka.consume import Consumer
from hauberk.dataplane.kafka.deliver import Reply
from hauberk.dataplane.kafka.receive import Links, Unwritten
from hauberk.dataplane.kafka.record import to_message
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.place import Place
from hauberk.events.contract import Contract, Egress, Resource, Served, Target
from hauberk.events.delivery import is_success
from hauberk.events.event import Event, to_binary
from hauberk.events.filters import FilterError

log = logging.getLogger(__name__)

REPORT_S = 0.2


@dataclass(slots=True)
class _Group:
    """The consumers of one egress."""

    uid: str
    consumers: list[Consumer]
    tasks: list[asyncio.Task[None]]

    @property
    def problem(self) -> str:
        return next((c.problem for c in self.consumers if c.problem), "")


class Dispatcher:
    """All groups of one process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._links = Links(place.tasks)
        self._groups: dict[bytes, _Group] = {}
        self._refused: dict[str, str] = {}
        self._contract = Contract()

    async def apply(self, contract: Contract) -> Served:
        """Consume exactly what the contract names."""
        wanted = dict(_wanted(contract))
        await self._end([key for key in self._groups if key not in wanted])
        self._refused, self._contract = {}, contract
        connections: set[Connection] = set()
        for key, (resource, egress) in wanted.items():
            try:
                connection = connection_of(resource.settings)
                arguments(connection)
                if egress.settings.get("reply_topic"):
                    connections.add(connection)
                if key not in self._groups:
                    self._groups[key] = self._begin(resource, egress, connection)
            except (ValueError, OSError, FilterError) as error:
                self._refused[egress.uid] = str(error)
        await self._links.keep(connections)
        return self.served()

    def served(self) -> Served:
        """What is served at this moment: a group that does not consume is a problem of its egress."""
        problems = {g.uid: g.problem for g in self._groups.values() if g.problem}
        return Served(self._contract.generation, {**problems, **self._refused}, {"groups": len(self._groups)})

    async def report(self) -> None:
        """Keep what the control plane is told up to date."""
        while True:
            await asyncio.sleep(REPORT_S)
            self._place.served = self.served()

    def _begin(self, resource: Resource, egress: Egress, connection: Connection) -> _Group:
        reply = self._reply_of(egress, connection)
        number = int(egress.settings.get("consumers", 1))
        consumers = [Consumer(self._place, resource, egress, reply) for _ in range(number)]
        tasks = [self._place.tasks.create_task(consumer.run()) for consumer in consumers]
        return _Group(egress.uid, consumers, tasks)

    def _reply_of(self, egress: Egress, connection: Connection) -> Reply | None:
        """Replies go back into the broker's topic, or to an address, or nowhere."""
        topic, target = egress.settings.get("reply_topic"), egress.reply
        if topic:
            link = self._links.to(connection)

            async def to_topic(event: Event) -> bool:
                try:
                    await link.write(topic, to_message(event))
                except Unwritten as error:
                    log.warning("%s/%s: a reply was not kept: %s", egress.namespace, egress.name, error)
                    return False
                return True

            return to_topic
        if target is not None:

            async def to_target(event: Event, target: Target = target) -> bool:
                headers, body = to_binary(event)
                answer = await self._place.client.post(
                    target.url, headers, body, timeout_s=egress.delivery.timeout, ca=target.ca
                )
                return is_success(answer.status)

            return to_target
        return None

    async def _end(self, keys: list[bytes]) -> None:
        groups = [self._groups.pop(key) for key in keys]
        tasks = [task for group in groups for task in group.tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Let deliveries end, commit, leave the groups."""
        await self._end(list(self._groups))
        await self._links.keep(set())


def _wanted(contract: Contract) -> Iterator[tuple[bytes, tuple[Resource, Egress]]]:
    """Every egress by all that its consumers depend on: generations do not count."""
    for resource in contract.resources:
        for egress in resource.egresses:
            row = (resource.uid, resource.settings, egress)
            yield msgspec.json.encode(row, order="deterministic"), (resource, egress)


async def nothing_here(_: Request) -> Answer:
    """Dispatchers answer probes only."""
    return Answer(404)


async def run(place: Place) -> None:
    """The role of every dispatcher."""
    dispatcher = Dispatcher(place)
    await place.obey(dispatcher.apply)
    server = await place.serve(nothing_here)
    reporter = place.tasks.create_task(dispatcher.report())
    await place.stopping.wait()
    reporter.cancel()
    await dispatcher.close()
    await server.drain()
