"""Kafka's roles where no Kafka answers: what senders are told, and what the control plane is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hauberk.app.control import get_served
from hauberk.dataplane.client import Client
from hauberk.events.contract import PENDING, Contract, Egress, Resource, Target
from hauberk.testing.dataplane import Process, free_port, process

pytestmark = pytest.mark.wire
EVENT = [("ce-id", "1"), ("ce-type", "t"), ("ce-source", "/s"), ("ce-specversion", "1.0")]


@asynccontextmanager
async def role(name: str, folder: Path) -> AsyncIterator[Process]:
    with process(name, folder) as found:
        await found.ready()
        yield found


def nowhere() -> dict[str, str]:
    return {"servers": f"127.0.0.1:{free_port()}"}


async def until(look: Callable[[], Awaitable[str]], wanted: str) -> str:
    """What `look` says once it has `wanted` in it."""
    async with asyncio.timeout(10):
        while wanted not in (said := await look()):  # noqa: ASYNC110 - another process says it
            await asyncio.sleep(0.05)
    return said


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/n/s", EVENT, 503),
        ("POST", "/n/s", [("content-type", "text/plain")], 400),
        ("POST", "/n/other", EVENT, 404),
        ("GET", "/n/s", [], 405),
        ("OPTIONS", "/n/s", [], 200),
    ],
)
async def test_a_receiver_answers_as_upstream_does(
    tmp_path: Path, method: str, path: str, headers: list[tuple[str, str]], status: int
) -> None:
    settings = {"kafka": nowhere(), "topic": "t"}
    sink = Resource("u", "KafkaSink", "n", "s", path="/n/s", settings=settings)
    client = Client()
    async with role("kafka-sink-receiver", tmp_path) as receiver:
        served = await receiver.tell(Contract(1, (sink,)))
        assert (served.generation, served.problems) == (1, {})
        answer = await client.request(method, f"{receiver.url}{path}", headers, b"x")
    client.close()
    assert answer.status == status
    if status == 503:
        assert b"cannot connect" in answer.body or b"not connected" in answer.body


async def test_a_role_says_that_kafka_does_not_answer(tmp_path: Path) -> None:
    kafka = nowhere()
    egress = Egress("u", "n", "k", Target("http://127.0.0.1:1"), settings={"group": "g"})
    reads = {"kafka": kafka, "topics": ["t"]}
    source = Resource("u", "KafkaSource", "n", "k", egresses=(egress,), settings=reads)
    topics = Resource("u", "KafkaSink", "n", "k", settings={**reads, "wanted": "there"})
    for name, resource in (("kafka-source-dispatcher", source), ("kafka-controller", topics)):
        async with role(name, tmp_path) as found:
            served = await found.tell(Contract(1, (resource,)))
            assert served.problems["u"] == PENDING or "cannot connect" in served.problems["u"]

            async def problem(found: Process = found) -> str:
                return (await get_served(found.run / "control.sock")).problems.get("u", "")

            said = await until(problem, "cannot connect")
            assert kafka["servers"] in said


async def test_a_filter_that_does_not_parse_is_a_problem_of_its_trigger_alone(tmp_path: Path) -> None:
    target = Target("http://127.0.0.1:1")
    bad = Egress("bad", "n", "t", target, filters=({"cesql": "type ="},), settings={"group": "a"})
    good = Egress("good", "n", "t", target, settings={"group": "b"})
    reads = {"kafka": nowhere(), "topics": ["t"]}
    async with role("kafka-broker-dispatcher", tmp_path) as dispatcher:
        served = await dispatcher.tell(
            Contract(1, (Resource("b", "Broker", "n", "b", egresses=(bad, good), settings=reads),))
        )
    assert "cannot connect" not in served.problems["bad"]
    assert served.counts == {"groups": 1}


async def test_credentials_that_are_no_certificates_are_a_problem(tmp_path: Path) -> None:
    broken = {"servers": "127.0.0.1:1", "protocol": "SSL", "cert": "x", "key": "y"}
    sink = Resource("u", "KafkaSink", "n", "s", path="/n/s", settings={"kafka": broken, "topic": "t"})
    async with role("kafka-sink-receiver", tmp_path) as receiver:
        served = await receiver.tell(Contract(1, (sink,)))
    assert served.problems["u"]
