"""Processes die at the worst moments: what was acknowledged arrives all the same."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import pytest
from tests.wire.dataplane.conftest import Mesh, trigger

from hauberk.dataplane.client import NoAnswer
from hauberk.events.contract import Delivery
from hauberk.testing.dataplane import Subscriber, subscriber

pytestmark = pytest.mark.wire


async def send_all(mesh: Mesh, names: list[str], acknowledged: set[str]) -> None:
    """Send each until it is acknowledged, as a sender that wants to be sure does."""
    for name in names:
        while name not in acknowledged:
            with contextlib.suppress(NoAnswer):
                if (await mesh.send(name, data=b"x" * 500)).status == 202:
                    acknowledged.add(name)
                    break
            await asyncio.sleep(0.02)


@pytest.mark.must("evd-status")
@pytest.mark.parametrize("victim", ["ingress", "imc", "filter"])
async def test_a_killed_process_loses_nothing(mesh: Mesh, sub: Subscriber, victim: str) -> None:
    await mesh.tell(trigger(sub.url), delivery=Delivery(10, delay=0.02))
    acknowledged: set[str] = set()
    names = [str(n) for n in range(600)]
    senders = [asyncio.ensure_future(send_all(mesh, names[k::12], acknowledged)) for k in range(12)]
    process = getattr(mesh, victim)
    for _ in range(2):
        await asyncio.sleep(0.15)
        process.end(signal.SIGKILL)
        process.start()
        await process.ready()
    await asyncio.gather(*senders)
    await sub.wait_for(600, 15)
    assert acknowledged == set(names) == set(sub.seen)
    assert sum(sub.seen.values()) - 600 <= 2 * 300  # what was under way at a kill may come twice


async def test_what_waits_on_disk_is_delivered_by_the_successor(mesh: Mesh) -> None:
    async with subscriber() as gone:
        url = gone.url
    port = int(url.rstrip("/").rpartition(":")[2])
    await mesh.tell(trigger(url), delivery=Delivery(10**6, "linear", delay=0.05))
    for n in range(700):  # more than are kept in memory
        assert (await mesh.send(str(n))).status == 202
    mesh.imc.end(signal.SIGKILL)
    mesh.imc.start()
    await mesh.imc.ready()
    assert (await mesh.imc.metrics())["inmemorychannel_dispatcher_deliveries_recovered"] == 700
    back = Subscriber()
    async with asyncio.TaskGroup() as tasks:
        from hauberk.dataplane.server import Server

        server = Server(back.handle, tasks)
        await server.listen("127.0.0.1", port)
        await back.wait_for(700, 15)
        await server.drain(0.2)
    assert set(back.seen.values()) == {1}


async def test_an_unsubscribed_subscriber_gets_nothing_more_and_holds_no_files(
    mesh: Mesh, sub: Subscriber
) -> None:
    async with subscriber() as gone:
        url = gone.url
    await mesh.tell(trigger(url), trigger(sub.url, "u"), delivery=Delivery(10**6, "linear", delay=0.05))
    for n in range(20):
        await mesh.send(str(n))
    await sub.wait_for(20)
    await mesh.tell(trigger(sub.url, "u"))
    assert mesh.imc.end() == 0
    assert not list(mesh.imc.data.glob("slot-*/log/*"))


async def test_memory_only_channels_lose_and_count_it(mesh: Mesh) -> None:
    async with subscriber() as gone:
        url = gone.url
    await mesh.tell(trigger(url), delivery=Delivery(10**6, "linear", delay=0.05), durable=False)
    for n in range(30):
        assert (await mesh.send(str(n))).status == 202
    assert not list(mesh.imc.data.glob("slot-*/log/*.log"))
    mesh.imc.end(signal.SIGKILL)
    mesh.imc.start()
    await mesh.imc.ready()
    assert (await mesh.imc.metrics())["inmemorychannel_dispatcher_events_lost"] == 30
