"""The data plane's HTTP server and client on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from hauberk.dataplane.client import Client, NoAnswer
from hauberk.dataplane.messages import Answer, Handler, Request
from hauberk.dataplane.server import Server

pytestmark = pytest.mark.wire


async def echo(request: Request) -> Answer:
    if request.target.startswith("/slow"):
        await asyncio.sleep(0.05)
    if request.target == "/fail":
        raise RuntimeError("a defect")
    return Answer(200, {"x-method": request.method}, request.target.encode() + b" " + request.body)


@asynccontextmanager
async def serving(handler: Handler = echo, limit: int = 1000) -> AsyncIterator[tuple[Server, int]]:
    async with asyncio.TaskGroup() as tasks:
        server = Server(handler, tasks, limit=limit)
        yield server, await server.listen("127.0.0.1", 0)
        await server.drain(1)


async def raw(port: int, text: bytes) -> bytes:
    """What comes back for bytes, until the server closes or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    got = b""
    try:
        while part := await asyncio.wait_for(reader.read(65536), 0.6):
            got += part
    except TimeoutError:
        pass
    writer.close()
    return got


@pytest.mark.must("evd-standards")
async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving() as (_, port):
        got = await raw(port, b"GET /slow1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
        bodies = [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 200 OK")[1:]]
        assert bodies == [b"/slow1 ", b"/2 "] * 3


@pytest.mark.must("evd-standards")
async def test_chunked_bodies_and_split_writes() -> None:
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in (b"POST / HT", b"TP/1.1\r\nhost: x\r\ntransfer-encod", b"ing: chunked\r\n\r\n3\r\nab"):
            writer.write(part)
            await asyncio.sleep(0.01)
        writer.write(b"c\r\n2\r\nde\r\n0\r\n\r\n")
        assert (await reader.readuntil(b"abcde")).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024, 413),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nbig: " + b"x" * 70000 + b"\r\n\r\n", 431),
        (b"GET /fail HTTP/1.1\r\nhost: x\r\n\r\n", 500),
    ],
)
async def test_refusals(request_text: bytes, status: int, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as (_, port):
        got = await raw(port, request_text)
        assert got.startswith(f"HTTP/1.1 {status} ".encode())
    if status == 500:
        assert "a handler failed" in caplog.text


async def test_head_has_no_body_and_old_clients_are_closed() -> None:
    async with serving() as (_, port):
        assert (await raw(port, b"HEAD /x HTTP/1.1\r\nhost: x\r\n\r\n")).endswith(b"\r\n\r\n")
        assert b"connection: close" in await raw(port, b"GET /x HTTP/1.0\r\n\r\n")


async def test_expect_100() -> None:
    async with serving() as (_, port):
        head = b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        assert (await raw(port, head)).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


async def test_draining_lets_requests_end() -> None:
    async with serving() as (server, port):
        client = Client()
        running = asyncio.ensure_future(client.post(f"http://127.0.0.1:{port}/slow", (), b"x"))
        await asyncio.sleep(0.02)
        await server.drain(2)
        assert (await running).body == b"/slow x"
        with pytest.raises(NoAnswer):
            await client.post(f"http://127.0.0.1:{port}/", (), b"x")


async def test_connections_are_used_again_and_a_closed_one_is_noticed() -> None:
    async with serving() as (server, port):
        client = Client()
        url = f"http://127.0.0.1:{port}/a?b=c"
        for _ in range(3):
            assert (await client.post(url, [("x", "y")], b"1")).body == b"/a?b=c 1"
        assert len(server.connections) == 1
        for connection in list(server.connections):
            connection.close_when_idle()
        assert (await client.post(url, (), b"2")).body == b"/a?b=c 2"
        client.close()


async def test_many_at_once() -> None:
    async with serving() as (_, port):
        client = Client()
        urls = [f"http://127.0.0.1:{port}/slow{n}" for n in range(150)]
        answers = await asyncio.gather(*[client.post(url, (), b"") for url in urls])
        assert [a.body.decode() for a in answers] == [f"/slow{n} " for n in range(150)]
        client.close()


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """A server that does whatever the script says."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed before an answer"),
        (b"garbage\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "within the answer"),
    ],
)
async def test_what_is_no_answer(answer: bytes, said: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with scripted(script) as url:
        with pytest.raises(NoAnswer, match=said):
            await Client().post(url, (), b"")


async def test_silence_ends_with_the_time_limit() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with scripted(script) as url:
        with pytest.raises(NoAnswer, match=r"no answer within 0.1 s"):
            await Client().post(url, (), b"", timeout_s=0.1)


async def test_a_body_may_end_with_the_connection_and_interim_answers_are_passed_over() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 404 Nope\r\nA: 1\r\na: 2\r\n\r\nto the end"
        )
        await writer.drain()

    async with scripted(script) as url:
        answer = await Client().post(url, (), b"")
        assert (answer.status, answer.headers, answer.body) == (404, {"a": "1, 2"}, b"to the end")


async def test_nobody_there_and_no_url() -> None:
    with pytest.raises(NoAnswer):
        await Client().post("http://127.0.0.1:1/", (), b"")
    for url in ("ftp://a/", "nonsense", "http:///x"):
        with pytest.raises(ValueError, match="not an http"):
            await Client().post(url, (), b"")
