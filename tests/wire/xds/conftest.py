"""A real Envoy, a real control plane's xDS server, and small HTTP servers behind them."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from hauberk.pki.authority import Authority
from hauberk.ports import Forward, HoldAnswer, HoldRequest, Reject
from hauberk.xds import binary, bootstrap
from hauberk.xds.server import XdsServer
from hauberk.xds.stream import Nack
from hauberk.xds.translate.types import Resources

_CURLS = ThreadPoolExecutor(32)


class WallClock:
    """Real time; renewals may be hurried by moving `ahead`."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: str
    took_s: float


async def ask(
    path: str = "/",
    *,
    port: int = 0,
    pipe: Path | None = None,
    host: str = "x",
    headers: dict[str, str] | None = None,
    curl: tuple[str, ...] = (),
    scheme: str = "http",
) -> Answered:
    """One request by curl, over TCP or a unix socket."""
    where = ["--unix-socket", str(pipe)] if pipe else ["--connect-to", f"::127.0.0.1:{port}"]
    rows = [word for k, v in (headers or {}).items() for word in ("-H", f"{k}: {v}")]
    started = time.monotonic()
    command = [
        "curl", "-s", "-i", "--http1.1", "--max-time", "15", *where, *rows, *curl, f"{scheme}://{host}{path}",
    ]  # fmt: skip
    run = partial(subprocess.run, command, stdout=subprocess.PIPE, check=False)
    process = await asyncio.get_running_loop().run_in_executor(_CURLS, run)
    out = process.stdout
    head, _, body = out.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    if not head:
        return Answered(0, {}, f"curl exit {process.returncode}", time.monotonic() - started)
    lines = head.decode().split("\r\n")
    fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    return Answered(int(lines[0].split()[1]), fields, body.decode(), time.monotonic() - started)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class App:
    """An HTTP/1.1 server that tells what it got. `/slow/N` takes N seconds; `ready` decides /ready."""

    port: int = 0
    ready: bool = True
    seen: list[dict[str, str]] = field(default_factory=list)
    active: int = 0
    peak: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                fields = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in head[1:]) if k}
                if length := int(fields.get("content-length", 0)):
                    await reader.readexactly(length)
                await self._answer(head[0].split()[1], fields, writer)

    async def _answer(self, path: str, fields: dict[str, str], writer: asyncio.StreamWriter) -> None:
        status = "200 OK" if self.ready or path != "/ready" else "500 Not Ready"
        if path != "/ready":
            self.active += 1
            self.peak = max(self.peak, self.active)
            if path.startswith("/slow/"):
                await asyncio.sleep(float(path.removeprefix("/slow/")))
            self.active -= 1
            self.seen.append({":path": path, **fields})
        body = json.dumps({"path": path, **fields}).encode()
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    @asynccontextmanager
    async def listening(self, pipe: Path | None = None, port: int = 0) -> AsyncIterator[App]:
        if pipe:
            server = await asyncio.start_unix_server(self._serve, pipe)
        else:
            server = await asyncio.start_server(self._serve, "127.0.0.1", port)
            self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks)


@dataclass
class World:
    """One control plane and what it was told."""

    directory: Path
    server: XdsServer
    authority: Authority
    clock: WallClock
    nacks: list[Nack]
    holds: list[HoldRequest]
    credentials: dict[tuple[str, str], dict[str, bytes]]
    answer: Callable[[HoldRequest], Awaitable[HoldAnswer]]
    stack: AsyncExitStack
    cancelled: list[HoldRequest] = field(default_factory=list)
    published: dict[str, Resources] = field(default_factory=dict)
    serving: AsyncExitStack = field(default_factory=AsyncExitStack)

    def admin(self, uid: str) -> Path:
        return self.directory / f"{uid}.sock"

    async def envoy(self, uid: str, *, mark: int = 0) -> asyncio.subprocess.Process:
        config = bootstrap.proxy(
            uid, xds_socket=self.directory / "xds.sock", admin_socket=self.admin(uid), mark=mark
        )
        return await self.run(uid, config)

    def also(self, uid: str, resources: Resources) -> None:
        """Publish one more proxy, or another configuration of it."""
        self.published[uid] = resources
        self.server.publish(self.published)

    async def server_stops(self) -> None:
        await self.serving.aclose()

    async def server_starts(self) -> None:
        self.serving = AsyncExitStack()
        await self.serving.enter_async_context(self.server.serving())

    async def reachable(self, port: int) -> None:
        async def check() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        await eventually(check)

    async def run(
        self, uid: str, config: dict[str, object], argv: list[str] | None = None
    ) -> asyncio.subprocess.Process:
        file = self.directory / f"{uid}.json"
        file.write_text(json.dumps(config))
        log = self.stack.enter_context((self.directory / f"{uid}.log").open("wb"))
        words = [str(file) if w == "FILE" else w for w in argv or bootstrap.argv(binary.envoy(), file)]
        process = await asyncio.create_subprocess_exec(*words, stderr=log)
        self.stack.push_async_callback(self._end, process)
        return process

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    def log(self, uid: str) -> str:
        return (self.directory / f"{uid}.log").read_text()

    async def settle(self, uid: str, within_s: float = 8) -> None:
        async with asyncio.timeout(within_s):
            await self.server.acked([uid])

    async def _hold(self, request: HoldRequest) -> HoldAnswer:
        self.holds.append(request)
        try:
            return await self.answer(request)
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise


async def no_pod(request: HoldRequest) -> HoldAnswer:
    return Reject(503, "no pod")


@pytest.fixture
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="hbk-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def world(directory: Path) -> AsyncIterator[World]:
    clock = WallClock()
    authority = Authority.open(directory / "pki", clock.now())
    nacks: list[Nack] = []
    credentials: dict[tuple[str, str], dict[str, bytes]] = {}
    async with AsyncExitStack() as stack:
        made: World

        async def hold(request: HoldRequest) -> HoldAnswer:
            return await made._hold(request)

        server = XdsServer(
            directory / "xds.sock",
            authority,
            lambda namespace, name: credentials.get((namespace, name)),
            hold,
            clock,
            registered=authority.router_secrets("apps.test"),
            on_nack=nacks.append,
        )
        made = World(directory, server, authority, clock, nacks, [], credentials, no_pod, stack)
        await made.server_starts()
        renewing = asyncio.ensure_future(server.renew())
        yield made
        renewing.cancel()
        await stack.aclose()
        await made.server_stops()


@pytest.fixture
def curl() -> Callable[..., Awaitable[Answered]]:
    return ask


@pytest.fixture
def app() -> type[App]:
    return App


@pytest.fixture
def port() -> Callable[[], int]:
    return free_port


@pytest.fixture
def forward() -> type[Forward]:
    return Forward


async def eventually(check: Callable[[], Awaitable[bool]], within_s: float = 5) -> None:
    async with asyncio.timeout(within_s):
        while not await check():  # noqa: ASYNC110 (the other side is a process)
            await asyncio.sleep(0.02)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Awaitable[None]]:
    return eventually
