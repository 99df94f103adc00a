"""A broker with one trigger as three processes, as they run in their pods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hauberk.dataplane.client import Client
from hauberk.dataplane.messages import Answer
from hauberk.events.contract import Contract, Delivery, Egress, Resource, Target
from hauberk.testing.dataplane import Process, Subscriber, headers_of, process, subscriber

QUICK = Delivery(retry=5, delay=0.02)


@dataclass
class Mesh:
    """The processes, and what they were told."""

    ingress: Process
    imc: Process
    filter: Process
    client: Client = field(default_factory=Client)
    generation: int = 0

    async def tell(
        self,
        *triggers: Egress,
        delivery: Delivery = QUICK,
        durable: bool = True,
        ordered: bool = False,
    ) -> None:
        """A broker `ns/default` with these triggers, their filters and subscribers."""
        self.generation += 1
        ingress, imc = f"{self.ingress.url}/ns/default", Target(f"{self.imc.url}/ns/kne-trigger")
        broker = Resource("b", "Broker", "ns", "default", target=imc, egresses=triggers)
        hops = tuple(
            Egress(
                f"s-{trigger.uid}",
                "ns",
                trigger.name,
                Target(f"{self.filter.url}/triggers/ns/{trigger.name}/{trigger.uid}"),
                trigger.filters,
                Target(ingress),
                delivery,
                ordered=ordered,
            )
            for trigger in triggers
        )
        channel = Resource("c", "InMemoryChannel", "ns", "kne-trigger", durable=durable, egresses=hops)
        for process_, resource in ((self.filter, broker), (self.imc, channel), (self.ingress, broker)):
            served = await process_.tell(Contract(self.generation, (resource,)))
            assert not served.problems, served

    async def send(self, event_id: str, kind: str = "test.kind", data: bytes = b"{}") -> Answer:
        """An event for the broker."""
        return await self.client.post(f"{self.ingress.url}/ns/default", headers_of(event_id, kind), data)


def trigger(subscriber: str, uid: str = "t", **filters: str) -> Egress:
    """A trigger with an attributes filter."""
    rows = ({"attributes": filters},) if filters else ()
    return Egress(uid, "ns", f"name-{uid}", Target(subscriber), rows)


@pytest.fixture
async def sub() -> AsyncIterator[Subscriber]:
    async with subscriber() as made:
        yield made


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Mesh]:
    with ExitStack() as stack:
        made = [
            stack.enter_context(process(role, tmp_path))
            for role in ("broker-ingress", "imc-dispatcher", "broker-filter")
        ]
        yield Mesh(*made)


@pytest.fixture
async def mesh(processes: Mesh) -> AsyncIterator[Mesh]:
    await asyncio.gather(*[p.ready() for p in (processes.ingress, processes.imc, processes.filter)])
    yield processes
    processes.client.close()
    await asyncio.sleep(0)
