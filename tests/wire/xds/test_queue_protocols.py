"""What passes through the queue unharmed: WebSocket, gRPC-like streams, trailers, large bodies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import grpc
import pytest

from hauberk.mesh.roles import QueueRole, ReadinessProbe
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.types import Resources

ROLE = QueueRole(namespace="ns", service="s", configuration="s", revision="s-00001", pod="p")


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


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept any upgrade, then send back what comes."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"upgrade: websocket" in head.lower()
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n")
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def test_websockets_pass_both_ways(start: Any) -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    number = await start(replace(ROLE, user_port=server.sockets[0].getsockname()[1]))
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    writer.write(b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    for n in range(3):
        writer.write(b"frame %d" % n)
        assert await reader.readexactly(7) == b"frame %d" % n
    writer.close()
    await writer.wait_closed()
    server.close()


async def double(requests: Any, context: Any) -> Any:
    async for request in requests:
        yield request * 2
    context.set_trailing_metadata((("told", "last"),))


@pytest.mark.parametrize("limit", [0, 2])
async def test_grpc_streams_and_trailers_pass(start: Any, port: Any, limit: int) -> None:
    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(double)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", {"Double": handler}),))
    inner = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    role = replace(
        ROLE, user_port=inner, protocol="h2c", container_concurrency=limit, readiness=ReadinessProbe()
    )
    number = await start(role)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{number}") as channel:
        for _ in range(3):
            call = channel.stream_stream("/t.T/Double")()
            for n in range(3):
                await call.write(b"x" * (n + 1) * 100_000)
                assert await call.read() == b"x" * (n + 1) * 200_000
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF
            assert dict(await call.trailing_metadata())["told"] == "last"
    await server.stop(0)


async def test_a_large_body_waits_for_100_continue_and_is_not_kept(
    start: Any, world: Any, app: Any, curl: Any
) -> None:
    backend = await world.stack.enter_async_context(app().listening())
    number = await start(replace(ROLE, user_port=backend.port))
    large = world.directory / "large"
    large.write_bytes(b"x" * 30_000_000)
    got = await curl("/up", port=number, curl=("--data-binary", f"@{large}", "-H", "Expect: 100-continue"))
    assert (got.status, backend.seen[0]["content-length"]) == (200, "30000000")
