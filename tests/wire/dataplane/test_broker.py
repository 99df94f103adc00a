"""Ingress, channel and filter as processes: what a sender and a subscriber see."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest
from tests.wire.dataplane.conftest import Mesh, trigger

from hauberk.dataplane.messages import Answer, Request
from hauberk.events.contract import Contract, Delivery, Egress, Resource, Target
from hauberk.events.event import Event, to_batch
from hauberk.testing.dataplane import Subscriber, headers_of, subscriber

pytestmark = pytest.mark.wire
STRUCTURED = {"specversion": "1.0", "id": "s1", "source": "/s", "type": "k", "data": {"a": 1}}


@pytest.mark.must("evd-post", "evd-prefer")
async def test_an_event_goes_through(mesh: Mesh, sub: Subscriber) -> None:
    await mesh.tell(trigger(sub.url, type="test.kind"))
    answer = await mesh.send("e1", data=b'{"a": 1}')
    assert (answer.status, answer.body) == (202, b"")
    await sub.wait_for(1)
    (got,) = sub.requests
    assert got.body == b'{"a": 1}'
    wanted = dict(headers_of("e1")) | {"prefer": "reply", "kn-namespace": "ns"}
    assert {name: got.headers[name] for name in wanted} == wanted
    assert "ce-knativearrivaltime" in got.headers
    assert "ce-knativebrokerttl" not in got.headers


async def test_filters_choose(mesh: Mesh, sub: Subscriber) -> None:
    async with subscriber() as other:
        await mesh.tell(trigger(sub.url, type="a"), trigger(other.url, "u"))
        for n, kind in enumerate("abab"):
            await mesh.send(str(n), kind)
        await other.wait_for(4)
        await sub.wait_for(2)
        assert set(sub.seen) == {"0", "2"}


@pytest.mark.must("evd-options", "evd-status")
@pytest.mark.parametrize(
    ("method", "path", "change", "status"),
    [
        ("OPTIONS", "/ns/default", {}, 200),
        ("GET", "/ns/default", {}, 405),
        ("PUT", "/ns/default", {}, 405),
        ("POST", "/", {}, 404),
        ("POST", "/ns", {}, 400),
        ("POST", "/ns/default/more", {}, 400),
        ("POST", "/ns/nobody", {}, 404),
        ("POST", "/ns/default/", {}, 202),
        ("POST", "/ns/default", {"ce-id": ""}, 400),
        ("POST", "/ns/default", {"ce-specversion": "0.3"}, 400),
        ("POST", "/ns/default", {"ce-time": "late"}, 400),
        ("POST", "/ns/default", {"ce-Bad_Name": "x"}, 400),
        ("POST", "/ns/default", {"ce-knativebrokerttl": "1"}, 400),
        ("POST", "/ns/default", {"ce-knativebrokerttl": "2"}, 202),
    ],
)
async def test_what_ingress_answers(
    mesh: Mesh, sub: Subscriber, method: str, path: str, change: dict[str, str], status: int
) -> None:
    await mesh.tell(trigger(sub.url))
    headers = {k: v for k, v in (dict(headers_of("e1")) | change).items() if v}
    answer = await mesh.client.request(method, mesh.ingress.url + path, list(headers.items()), b"{}")
    assert answer.status == status, answer.body
    if method == "OPTIONS":
        assert answer.headers["webhook-allowed-origin"] == "*"
    assert "POST" in answer.headers["allow"]


@pytest.mark.must("evd-modes")
async def test_structured_and_batched_events(mesh: Mesh, sub: Subscriber) -> None:
    await mesh.tell(trigger(sub.url))
    url = f"{mesh.ingress.url}/ns/default"
    one = await mesh.client.post(
        url, [("content-type", "application/cloudevents+json")], json.dumps(STRUCTURED).encode()
    )
    assert one.status == 202
    good = {"specversion": "1.0", "source": "/s", "type": "k"}
    headers, body = to_batch([Event({**good, "id": "b1"}, b"x"), Event({**good, "id": "b2"})])
    answer = await mesh.client.post(url, headers, body)
    assert [row["status"] for row in json.loads(answer.body)] == [202, 202]
    await sub.wait_for(3)
    assert sub.requests[0].headers["ce-type"] == "k"
    big = await mesh.client.post(url, headers_of("big"), b"x" * 9_000_000)
    assert big.status == 413


async def test_a_reply_comes_back_as_an_event(mesh: Mesh, sub: Subscriber) -> None:
    async with subscriber() as second:

        def reply(request: Request) -> Answer:
            return Answer(200, dict(headers_of("r" + request.headers["ce-id"], "reply.kind")), b"again")

        sub.decide = reply  # type: ignore[method-assign]
        await mesh.tell(trigger(sub.url, type="test.kind"), trigger(second.url, "u", type="reply.kind"))
        await mesh.send("1")
        await second.wait_for(1)
        assert second.requests[0].headers["ce-id"] == "r1"
        assert second.requests[0].body == b"again"


@pytest.mark.must("evd-202-no-reply")
async def test_the_body_of_a_202_goes_nowhere(mesh: Mesh, sub: Subscriber) -> None:
    sub.decide = lambda _: Answer(202, dict(headers_of("r", "test.kind")), b"")  # type: ignore[method-assign]
    await mesh.tell(trigger(sub.url))
    await mesh.send("1")
    await sub.wait_for(1)
    await asyncio.sleep(0.1)
    assert set(sub.seen) == {"1"}


@pytest.mark.must("evd-duplicates")
async def test_an_event_may_come_twice(mesh: Mesh, sub: Subscriber) -> None:
    await mesh.tell(trigger(sub.url))
    assert [(await mesh.send("same")).status for _ in range(2)] == [202, 202]
    async with asyncio.timeout(5):
        while sub.seen.get("same") != 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_endless_replies_end_with_the_ttl(mesh: Mesh, sub: Subscriber) -> None:
    sub.decide = lambda _: Answer(200, dict(headers_of("same", "test.kind")), b"")  # type: ignore[method-assign]
    await mesh.tell(trigger(sub.url))
    headers = [*headers_of("first"), ("ce-knativebrokerttl", "11")]
    assert (await mesh.client.post(f"{mesh.ingress.url}/ns/default", headers, b"")).status == 202
    async with asyncio.timeout(10):
        while len(sub.requests) < 10:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert len(sub.requests) == 10


@pytest.mark.must("evd-retries")
@pytest.mark.parametrize(
    ("answer", "requests", "code", "data"),
    [
        (Answer(500, {}, b"broken"), 3, "500", "YnJva2Vu"),
        (Answer(400, {}, b"no"), 1, "400", "bm8="),
        (Answer(404), 3, "404", None),
        (Answer(200, {"content-type": "text/plain"}, b"hello"), 3, "502", "aGVsbG8="),
    ],
)
async def test_failures_are_retried_as_configured_and_end_as_dead_letters(
    mesh: Mesh, sub: Subscriber, answer: Answer, requests: int, code: str, data: str | None
) -> None:
    sub.decide = lambda _: answer  # type: ignore[method-assign]
    async with subscriber() as dead:
        await mesh.tell(trigger(sub.url), delivery=Delivery(2, delay=0.01, dead_letter=Target(dead.url)))
        await mesh.send("1", data=b"payload")
        await dead.wait_for(1)
        assert len(sub.requests) == requests
        headers = dead.requests[0].headers
        assert dead.requests[0].body == b"payload"
        assert (headers["ce-knativeerrordest"], headers["ce-knativeerrorcode"]) == (sub.url, code)
        assert headers.get("ce-knativeerrordata") == data


async def test_a_subscriber_that_is_down_gets_its_events_when_it_is_up(mesh: Mesh) -> None:
    async with subscriber() as gone:
        url = gone.url
    port = int(url.rstrip("/").rpartition(":")[2])
    await mesh.tell(trigger(url), delivery=Delivery(20, "linear", delay=0.02))
    for n in range(20):
        assert (await mesh.send(str(n))).status == 202
    await asyncio.sleep(0.1)
    back = Subscriber()
    async with asyncio.TaskGroup() as tasks:
        from hauberk.dataplane.server import Server

        server = Server(back.handle, tasks)
        await server.listen("127.0.0.1", port)
        await back.wait_for(20)
        await server.drain(0.2)


async def test_a_slow_subscriber_does_not_hold_up_others_or_senders(mesh: Mesh, sub: Subscriber) -> None:
    sub.delay_s = 2.0
    async with subscriber() as quick:
        await mesh.tell(trigger(sub.url), trigger(quick.url, "u"))
        loop = asyncio.get_running_loop()
        start = loop.time()
        await asyncio.gather(*[mesh.send(str(n)) for n in range(100)])
        await quick.wait_for(100)
        assert loop.time() - start < 1.9
        await sub.wait_for(100)


async def test_order_is_kept_when_asked_for_through_failures(mesh: Mesh, sub: Subscriber) -> None:
    failed: set[str] = set()

    def sometimes(request: Request) -> Answer:
        name = request.headers["ce-id"]
        if int(name) % 7 == 3 and name not in failed:
            failed.add(name)
            return Answer(503)
        taken.append(int(name))
        return Answer(202)

    taken: list[int] = []
    sub.decide = sometimes  # type: ignore[method-assign]
    await mesh.tell(trigger(sub.url), ordered=True)
    for n in range(40):
        assert (await mesh.send(str(n))).status == 202
    await sub.wait_for(40)
    assert taken == list(range(40))


@pytest.mark.must("evd-congestion")
async def test_retry_after_is_obeyed(mesh: Mesh, sub: Subscriber) -> None:
    times: list[float] = []

    def busy(_: Request) -> Answer:
        times.append(asyncio.get_running_loop().time())
        return Answer(429, {"retry-after": "1"}) if len(times) == 1 else Answer(202)

    sub.decide = busy  # type: ignore[method-assign]
    await mesh.tell(trigger(sub.url))
    await mesh.send("1")
    async with asyncio.timeout(10):
        while len(times) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert times[1] - times[0] > 0.95


async def test_the_time_limit_of_a_delivery(mesh: Mesh, sub: Subscriber) -> None:
    sub.delay_s = 4.0
    async with subscriber() as dead:
        delivery = Delivery(0, timeout=0.1, dead_letter=Target(dead.url))
        await mesh.tell(trigger(sub.url), delivery=delivery)
        await asyncio.gather(*[mesh.send(str(n)) for n in range(20)])
        await dead.wait_for(20, 3.5)


async def test_a_filter_that_does_not_compile_is_named_and_others_work(mesh: Mesh, sub: Subscriber) -> None:
    broken = Egress("x", "ns", "broken", Target(sub.url), ({"cesql": "a ="},))
    good = trigger(sub.url)
    broker = Resource("b", "Broker", "ns", "default", egresses=(broken, good))
    served = await mesh.filter.tell(Contract(9, (broker,)))
    assert (served.generation, served.counts) == (9, {"triggers": 1})
    assert "filters[0].cesql" in served.problems["x"]


async def test_metrics_have_upstreams_names(mesh: Mesh, sub: Subscriber) -> None:
    await mesh.tell(trigger(sub.url))
    await mesh.send("1")
    await sub.wait_for(1)
    await asyncio.sleep(0.2)
    assert (await mesh.ingress.metrics())["mt_broker_ingress_event_count"] == 1
    assert (await mesh.filter.metrics())["mt_broker_filter_event_count"] == 1
    assert (await mesh.filter.metrics())["mt_broker_filter_event_processing_latencies_count"] == 1
    assert (await mesh.imc.metrics())["inmemorychannel_dispatcher_event_count"] == 1


async def test_the_contract_survives_a_restart_without_the_control_plane(mesh: Mesh, sub: Subscriber) -> None:
    await mesh.tell(trigger(sub.url))
    for process in (mesh.ingress, mesh.imc, mesh.filter):
        process.end(signal.SIGKILL)
        process.start()
        await process.ready()
    assert (await mesh.send("1")).status == 202
    await sub.wait_for(1)


async def test_a_gentle_end_is_quick_and_clean(mesh: Mesh, sub: Subscriber) -> None:
    await mesh.tell(trigger(sub.url))
    await mesh.send("1")
    await sub.wait_for(1)
    assert [p.end() for p in (mesh.ingress, mesh.imc, mesh.filter)] == [0, 0, 0]
