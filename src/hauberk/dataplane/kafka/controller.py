"""Role kafka-controller: sees to it that topics are there, or gone, and says which are not.

A resource is one object's topics: `settings` `kafka`, `topics` and `wanted`: `made` (created with
`partitions`, `replication`, `config`), `there` (somebody else's) or `gone`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from hauberk.dataplane.kafka import admin
from hauberk.dataplane.kafka.connection import Connection, connection_of
from hauberk.dataplane.kafka.words import text_of
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.place import Place
from hauberk.events.contract import PENDING, Contract, Resource, Served

log = logging.getLogger(__name__)

LOOK_S = 2.0  # between two looks at all clusters
FIRST_LOOK_S = 3.0  # the answer to a contract waits at most so long for Kafka


class Topics:
    """What is known of the topics of a contract."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._contract = Contract()
        self._problems: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()

    async def apply(self, contract: Contract) -> Served:
        """Look at once; what Kafka has not answered for in time is a problem until it has."""
        uids = {resource.uid for resource in contract.resources}
        self._contract = contract
        self._problems = {uid: self._problems.get(uid, PENDING) for uid in uids}
        self._looked.clear()
        self._wake.set()
        try:
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._looked.wait()
        except TimeoutError:
            log.info("Kafka does not answer yet")
        return self.served()

    def served(self) -> Served:
        """The answer at this moment."""
        problems = {uid: text for uid, text in self._problems.items() if text}
        return Served(self._contract.generation, problems, {"objects": len(self._contract.resources)})

    async def run(self) -> None:
        """Look again and again: topics vanish, and Kafka comes and goes."""
        while True:
            self._wake.clear()
            contract = self._contract
            found = await self._look(contract)
            if contract is self._contract:
                self._problems = found
                self._looked.set()
                self._place.served = self.served()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self, contract: Contract) -> dict[str, str]:
        problems: dict[str, str] = {}
        clusters: dict[Connection, list[Resource]] = defaultdict(list)
        for resource in contract.resources:
            try:
                clusters[connection_of(resource.settings)].append(resource)
            except ValueError as error:
                problems[resource.uid] = str(error)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_settle(*item)) for item in clusters.items()]
        for task in running:
            problems |= task.result()
        return problems


async def _settle(connection: Connection, resources: list[Resource]) -> Mapping[str, str]:
    """Do what the resources of one cluster want; the problem of each, empty for none."""
    try:
        async with asyncio.timeout(admin.TIMEOUT_MS / 1000 + 1), admin.admin(connection) as client:
            known = await admin.partitions_of(client)
            return {r.uid: await _topics(client, r, known, connection.servers) for r in resources}
    except (KafkaError, OSError, ValueError, TimeoutError) as error:
        text = text_of(error, connection.servers)
        return {resource.uid: text for resource in resources}


async def _topics(
    client: AIOKafkaAdminClient, resource: Resource, known: Mapping[str, list[int]], servers: str
) -> str:
    """Do what one resource wants; its problem."""
    settings = resource.settings
    try:
        for topic in settings["topics"]:
            if settings["wanted"] == "gone" and topic in known:
                await admin.delete(client, topic)
            elif settings["wanted"] == "made" and topic not in known:
                await admin.create(
                    client,
                    topic,
                    int(settings.get("partitions", 1)),
                    int(settings.get("replication", 1)),
                    settings.get("config", {}),
                )
    except (KafkaError, OSError) as error:
        return text_of(error, servers)
    missing = [topic for topic in settings["topics"] if topic not in known]
    if settings["wanted"] == "there" and missing:
        return f"topics {missing} not present or invalid: check topic configuration"
    return ""


async def nothing_here(_: Request) -> Answer:
    """Only probes are answered."""
    return Answer(404)


async def run(place: Place) -> None:
    """The role."""
    topics = Topics(place)
    looking = place.tasks.create_task(topics.run())
    await place.obey(topics.apply)
    server = await place.serve(nothing_here)
    await place.stopping.wait()
    looking.cancel()
    await server.drain()
