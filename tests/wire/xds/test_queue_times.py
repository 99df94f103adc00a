"""The revision's three time limits on a real Envoy."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from hauberk.mesh.roles import QueueRole
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.types import Resources

ROLE = QueueRole(namespace="ns", service="s", configuration="s", revision="s-00001", pod="p")


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer at once, then a byte after each of the pauses that the path names."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        pauses = [float(word) for word in head.split()[1].strip("/").split("/")]
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(pauses))
        for pause in pauses:
            await writer.drain()
            await asyncio.sleep(pause)
            writer.write(b"x")
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


@pytest.fixture
async def ask(world: Any, port: Any, app: Any, curl: Any) -> Any:
    """Ask a container behind a queue with these limits; `slow` is silent before its answer, else after it."""
    servers = []

    async def run(path: str, *, slow: bool = False, **limits: float) -> Any:
        if slow:
            backend = await world.stack.enter_async_context(app().listening())
            inner = backend.port
        else:
            servers.append(await asyncio.start_server(drip, "127.0.0.1", 0))
            inner = servers[0].sockets[0].getsockname()[1]
        made = parts(replace(ROLE, user_port=inner, **limits))
        number = int(port())
        world.also("q", Resources.of([listener(replace(made.services[0], port=number)), *made.clusters]))
        await world.envoy("q")
        await world.settle("q")
        return await curl(path, port=number)

    yield run
    for server in servers:
        server.close()


@pytest.mark.must("limit-504")
@pytest.mark.parametrize(
    "limits",
    [
        {"timeout_s": 0.3},
        {"response_start_timeout_s": 0.3},
        {"timeout_s": 0.3, "response_start_timeout_s": 9},
        {"timeout_s": 9, "response_start_timeout_s": 0.3},
        {"timeout_s": 9, "idle_timeout_s": 0.3},
    ],
)
async def test_a_container_that_is_silent_beyond_a_limit_is_a_504(ask: Any, limits: dict[str, float]) -> None:
    got = await ask("/slow/3", slow=True, **limits)
    assert (got.status, got.body) == (504, "request timeout")
    assert got.took_s < 1.5


@pytest.mark.must("limit-begun")
@pytest.mark.parametrize("limits", [{"timeout_s": 0.3}, {"timeout_s": 9, "response_start_timeout_s": 0.3}])
async def test_a_response_that_has_begun_may_take_its_time(ask: Any, limits: dict[str, float]) -> None:
    got = await ask("/0.5/0.5", **limits)
    assert (got.status, got.body) == (200, "xx")


@pytest.mark.must("limit-504")
async def test_silence_in_the_midst_of_a_response_ends_it(ask: Any) -> None:
    began = time.monotonic()
    got = await ask("/0.1/5", timeout_s=9, idle_timeout_s=0.4)
    assert (got.status, got.body) == (200, "x")
    assert time.monotonic() - began < 4


async def test_bytes_within_the_idle_limit_keep_a_response_going(ask: Any) -> None:
    assert (await ask("/0.2/0.2/0.2/0.2", timeout_s=9, idle_timeout_s=0.4)).body == "xxxx"
