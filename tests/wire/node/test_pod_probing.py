"""Probes and hooks against real sockets; volumes on a real disk."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest

from hauberk.kinds.core.container import Container, Exec, Grpc, HttpGet, HttpHeader, Probe, TcpSocket
from hauberk.node.pod.probes.ask import Heard, ask
from hauberk.node.pod.probes.http1 import HttpError, get
from hauberk.node.pod.volume_files import provide, write_volume
from hauberk.node.pod.volumes import Empty, File, Files

pytestmark = pytest.mark.wire
APP = Container(name="c")


async def no_exec(argv: tuple[str, ...], limit_s: float) -> tuple[int, bytes]:
    return {"true": (0, b""), "slow": (124, b"")}.get(argv[0], (1, b"cat: no such file\n"))


@asynccontextmanager
async def server(answer: Callable[[bytes], bytes]) -> AsyncIterator[tuple[int, list[bytes]]]:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(EOFError):  # a TCP probe says nothing
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head)
            writer.write(answer(head))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1], heads


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def asked(probe: Probe, timeout_s: float = 1.0) -> Heard:
    return await ask(probe, APP, "127.0.0.1", timeout_s, no_exec)


@pytest.mark.parametrize(
    ("status", "ok", "text"),
    [
        (b"200 OK", True, ""),
        (b"399 Odd", True, ""),
        (b"503 No", False, "HTTP probe failed with statuscode: 503"),
    ],
)
async def test_200_to_399_is_success(status: bytes, ok: bool, text: str) -> None:
    async with server(lambda _: b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n") as (port, heads):
        headers = (HttpHeader(name="K-Network-Probe", value="queue"), HttpHeader(name="Host", value="me"))
        heard = await asked(Probe(http_get=HttpGet(path="/h?a=b", port=port, http_headers=headers)))
    assert heard == Heard(ok, text)
    assert b"GET /h?a=b HTTP/1.1\r\nHost: me\r\nUser-Agent: kube-probe/1.32\r\n" in heads[0]
    assert b"K-Network-Probe: queue\r\n" in heads[0]


async def test_redirects_are_followed_on_the_same_host_only() -> None:
    def answer(head: bytes) -> bytes:
        if b"GET /there" in head:
            return b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        place = b"/there" if b"GET /here" in head else b"http://example.com/"
        return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + place + b"\r\n\r\n"

    async with server(answer) as (port, _):
        near = await asked(Probe(http_get=HttpGet(path="/here", port=port)))
        far = await asked(Probe(http_get=HttpGet(path="/far", port=port)))
    assert near.text == "HTTP probe failed with statuscode: 500"
    assert far.ok
    assert far.warning.startswith("Probe terminated redirects")


async def test_what_does_not_answer_is_told_in_gos_words() -> None:
    port = free_port()
    heard = await asked(Probe(http_get=HttpGet(path="/", port=port)))
    url = f"http://127.0.0.1:{port}/"
    assert heard.text == f'Get "{url}": dial tcp 127.0.0.1:{port}: connect: connection refused'
    heard = await asked(Probe(tcp_socket=TcpSocket(port=port)))
    assert heard.text == f"dial tcp 127.0.0.1:{port}: connect: connection refused"


async def test_a_silent_server_times_out() -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up
        writer.close()

    listener = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(HttpError, match="context deadline exceeded"):
            await get(f"http://127.0.0.1:{port}/", timeout_s=0.05)
        await asyncio.sleep(0.05)


async def test_tcp_and_exec_probes() -> None:
    async with server(lambda _: b"") as (port, _):
        assert (await asked(Probe(tcp_socket=TcpSocket(port=port)))).ok
        await asyncio.sleep(0.02)
    assert (await asked(Probe(exec=Exec(command=("true",))))).ok
    assert await asked(Probe(exec=Exec(command=("cat",)))) == Heard(False, "cat: no such file")
    assert "timed out after 1s" in (await asked(Probe(exec=Exec(command=("slow",))))).text


async def test_grpc_health_is_asked_as_upstream_does() -> None:
    async def check(request: bytes, context: object) -> bytes:
        return b"\x08\x02" if request else b"\x08\x01"

    handler: Callable[..., Awaitable[bytes]] = check
    rpc = grpc.unary_unary_rpc_method_handler(handler)
    service = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": rpc})
    health = grpc.aio.server()
    health.add_generic_rpc_handlers((service,))
    port = health.add_insecure_port("127.0.0.1:0")
    await health.start()
    try:
        assert (await asked(Probe(grpc=Grpc(port=port)))).ok
        heard = await asked(Probe(grpc=Grpc(port=port, service="x")))
    finally:
        await health.stop(None)
    assert heard.text == 'service unhealthy (responded with "NOT_SERVING")'
    assert "failed to connect service" in (await asked(Probe(grpc=Grpc(port=free_port())), 0.5)).text


def test_a_volume_changes_all_at_once(tmp_path: Path) -> None:
    root = tmp_path / "v"
    assert write_volume(root, Files({"a": File(b"1"), "d/e": File(b"2", 0o400)}), "1")
    before = (root / "..data").resolve()
    assert (root / "a").read_bytes() == b"1"
    assert (root / "d" / "e").stat().st_mode & 0o777 == 0o400
    assert not write_volume(root, Files({"a": File(b"1"), "d/e": File(b"2", 0o400)}), "2")
    assert write_volume(root, Files({"a": File(b"3")}), "1")
    assert (root / "a").read_bytes() == b"3"
    assert not (root / "d").exists()
    assert not before.exists()
    assert provide(tmp_path / "e", Empty(), "1").is_dir()
