"""Roles of the data plane for tests and benchmarks: in this process, or as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hauberk.dataplane.client import Client
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.server import Server
from hauberk.events.contract import Contract, Served


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Process:
    """A role as a process of its own. It may be killed and started again on the same data."""

    role: str
    data: Path
    run: Path
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    env: Mapping[str, str] = field(default_factory=dict)
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self.run.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        (self.run / "control.sock").unlink(missing_ok=True)
        env = {
            **os.environ,
            "HAUBERK_DATA": str(self.data),
            "HAUBERK_RUN": str(self.run),
            "PORT": str(self.port),
            "METRICS_PROMETHEUS_PORT": str(self.metrics_port),
            "HAUBERK_QUIET_SECONDS": "0.05",
            **self.env,
        }
        argv = [sys.executable, "-m", "hauberk.dataplane", self.role]
        self.popen = subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL)

    async def ready(self, timeout_s: float = 10.0) -> None:
        """Return when it serves, with its control socket."""
        client = Client()
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    answer = await client.request("GET", f"{self.url}/healthz", ())
                    if answer.status == 200 and (self.run / "control.sock").exists():
                        break
                except Exception:
                    if self.popen is not None and self.popen.poll() is not None:
                        raise
                await asyncio.sleep(0.01)
        client.close()

    @property
    def url(self) -> str:
        """Where it takes events."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self.popen is not None, "started"
        return self.popen.pid

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; its exit code."""
        assert self.popen is not None, "started"
        self.popen.send_signal(number)
        return self.popen.wait(30)

    async def tell(self, contract: Contract) -> Served:
        """Give it a contract, as the control plane does."""
        return await put_contract(self.run / "control.sock", contract)

    async def metrics(self) -> dict[str, float]:
        """Its figures, summed over labels."""
        client = Client()
        answer = await client.request("GET", f"http://127.0.0.1:{self.metrics_port}/metrics", ())
        client.close()
        found: dict[str, float] = {}
        for line in answer.body.decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                name = name.partition("{")[0]
                found[name] = found.get(name, 0) + float(value)
        return found


@contextmanager
def process(role: str, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A role as a process; killed at the end if it still runs."""
    made = Process(role, folder / role / "data", folder / role / "run", env=env or {})
    made.start()
    try:
        yield made
    finally:
        if made.popen is not None and made.popen.poll() is None:
            made.popen.kill()
            made.popen.wait()


async def put_contract(path: Path, contract: Contract) -> Served:
    """PUT a contract on a control socket."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    body = msgspec.json.encode(contract)
    head = f"PUT /contract HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    head_bytes, _, content = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head_bytes.split(b"\r\n")[0]:
        raise ValueError(answer.decode())
    return msgspec.json.decode(content, type=Served)


@dataclass
class Subscriber:
    """A subscriber that counts what it gets. `answer` decides; by default 200 and empty."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    delay_s: float = 0.0

    def decide(self, request: Request) -> Answer:  # noqa: ARG002
        """The answer to a request. Replace it in a test."""
        return Answer(200)

    async def handle(self, request: Request) -> Answer:
        """One delivery."""
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        self.requests.append(request)
        name = request.headers.get("ce-id") or str(json.loads(request.body).get("id"))
        self.seen[name] = self.seen.get(name, 0) + 1
        return self.decide(request)

    async def wait_for(self, count: int, timeout_s: float = 10.0) -> None:
        """Return when so many different events have come."""
        async with asyncio.timeout(timeout_s):
            while len(self.seen) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def subscriber() -> AsyncIterator[Subscriber]:
    """A subscriber in this process."""
    try:
        async with asyncio.TaskGroup() as tasks:
            made = Subscriber()
            server = Server(lambda request: made.handle(request), tasks)
            port = await server.listen("127.0.0.1", 0)
            made.url = f"http://127.0.0.1:{port}/"
            yield made
            await server.drain(0.2)
    finally:
        pass


def headers_of(event_id: str, kind: str = "test.kind", **more: str) -> list[tuple[str, str]]:
    """The headers of an event in binary form."""
    return [
        ("ce-specversion", "1.0"),
        ("ce-id", event_id),
        ("ce-source", "/test"),
        ("ce-type", kind),
        ("content-type", "application/json"),
        *((f"ce-{name}", value) for name, value in more.items()),
    ]
