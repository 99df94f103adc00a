"""A process whose answer changes by itself is asked again, and whom that concerns is woken."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import msgspec
import pytest

from hauberk.app import contract_feed
from hauberk.app.contract_feed import ContractFeed
from hauberk.base.paths import Paths
from hauberk.base.refs import Ref
from hauberk.engine.clock import SystemClock
from hauberk.events.contract import Contract, Resource, Served
from hauberk.events.roles import LABEL, Role
from hauberk.testing.memory_api import MemoryApi

pytestmark = pytest.mark.wire


class Process:
    """Takes a contract; its problems are set from outside."""

    def __init__(self) -> None:
        self.generation = 0
        self.problems: dict[str, str] = {}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        body = await reader.readexactly(length)
        if head.startswith("PUT"):
            self.generation = msgspec.json.decode(body, type=Contract).generation
        said = msgspec.json.encode(Served(self.generation, self.problems))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(said) + said)
        writer.close()


@pytest.mark.parametrize("restless", [True, False])
async def test_a_restless_role_is_asked_again(restless: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_feed, "LOOK_S", 0.05)
    resource = Resource("r", "KafkaSink", "n", "s", generation=1)
    role = Role(
        name="kafka-controller",
        resources=lambda _: (resource,),
        reads=(),
        wakes={"KafkaSink.eventing.knative.dev": "kafka-sink"},
        restless=restless,
    )
    woken: list[tuple[str, Ref]] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(run=Path(folder), data=Path(folder))
        api = MemoryApi()
        api.seed(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {LABEL: role.name}},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
            }
        )
        stored = api.snapshot().get(Ref("Pod", "n", "p"))
        assert stored is not None
        socket = paths.control_socket(stored["metadata"]["uid"])
        socket.parent.mkdir(parents=True)
        process = Process()
        server = await asyncio.start_unix_server(process.answer, str(socket))
        feed = ContractFeed(api, paths, SystemClock(), [role], lambda name, ref: woken.append((name, ref)))
        running = asyncio.ensure_future(feed.run())
        async with asyncio.timeout(5):
            while feed.serves(role.name, "r") is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        woken.clear()
        process.problems = {"r": "Kafka is away"}
        await asyncio.sleep(0.4)
        acked = feed.serves(role.name, "r")
        running.cancel()
        await asyncio.wait([running])
        server.close()
    assert acked is not None
    assert acked.problem == ("Kafka is away" if restless else "")
    assert [name for name, _ in woken] == (["kafka-sink"] if restless else [])
