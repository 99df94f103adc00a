"""What a container is told about where a request came from."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from hauberk.mesh.roles import QueueRole
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.types import Resources

ROLE = QueueRole(namespace="ns", service="s", configuration="s", revision="s-00001", pod="p")
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture
async def start(world: Any, port: Any) -> Any:
    async def run(role: QueueRole) -> int:
        made = parts(role)
        number = int(port())
        service = replace(made.services[0], port=number)
        world.also("q", Resources.of([listener(service), *made.clusters]))
        await world.envoy("q")
        await world.settle("q")
        return number

    return run


@pytest.mark.must("run-forwarded")
@pytest.mark.parametrize(
    ("sent", "told"),
    [
        pytest.param({}, "proto=http", id="nothing"),
        pytest.param({"X-Forwarded-For": "192.0.2.7", **HTTPS}, "for=192.0.2.7;proto=https", id="one"),
        pytest.param(
            {"X-Forwarded-For": "192.0.2.7, 10.128.0.9", **HTTPS},
            "for=192.0.2.7;proto=https, for=10.128.0.9",
            id="two",
        ),
        pytest.param(
            {"X-Forwarded-For": "192.0.2.7,10.128.0.9,  10.128.0.4", **HTTPS},
            "for=192.0.2.7;proto=https, for=10.128.0.9, for=10.128.0.4",
            id="three",
        ),
        pytest.param(
            {"X-Forwarded-For": "2001:db8::7", **HTTPS}, 'for="[2001:db8::7]";proto=https', id="ipv6"
        ),
        pytest.param(
            {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "a.example.com", **HTTPS},
            "for=192.0.2.7;host=a.example.com;proto=https",
            id="host",
        ),
        pytest.param({"Forwarded": "for=_hidden", "X-Forwarded-For": "192.0.2.7"}, "for=_hidden", id="own"),
    ],
)
async def test_forwarded_is_made_of_what_proxies_told(
    start: Any, world: Any, app: Any, curl: Any, sent: dict[str, str], told: str
) -> None:
    backend = await world.stack.enter_async_context(app().listening())
    number = await start(replace(ROLE, user_port=backend.port))
    assert (await curl(port=number, headers=sent)).status == 200
    assert backend.seen[0]["forwarded"] == told


@pytest.mark.must("run-host")
async def test_the_host_that_the_client_asked_for_comes_back(
    start: Any, world: Any, app: Any, curl: Any
) -> None:
    backend = await world.stack.enter_async_context(app().listening())
    number = await start(replace(ROLE, user_port=backend.port))
    sent = {"K-Original-Host": "shop.example.com", "X-Forwarded-For": "192.0.2.7", **HTTPS}
    await curl(port=number, host="hello.ns.svc.cluster.local", headers=sent)
    assert backend.seen[0]["host"] == "shop.example.com"
    assert backend.seen[0]["forwarded"] == "for=192.0.2.7;proto=https"
    assert "k-original-host" not in backend.seen[0]


async def answer_with_trailers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a request in chunks with its trailers, and send the trailers back as trailers."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    rest = await reader.readuntil(b"\r\n\r\n")
    trailers = rest.partition(b"0\r\n")[2]
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n")
    writer.write(b"2\r\nok\r\n0\r\n" + trailers)
    await writer.drain()
    writer.close()


async def test_trailers_of_http1_pass_both_ways(start: Any) -> None:
    server = await asyncio.start_server(answer_with_trailers, "127.0.0.1", 0)
    number = await start(replace(ROLE, user_port=server.sockets[0].getsockname()[1]))
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n")
    writer.write(b"3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"0\r\nx-sum: 42\r\n" in await reader.readuntil(b"42\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    server.close()
