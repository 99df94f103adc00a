"""The keeper's client: sandboxes, containers, proxies, and the exits that nobody may miss.

One connection to `run/keeper.sock`, JSON lines. The keeper outlives the control plane: a new `Runtime` finds
in `running()` what an old one started, and in `exits()` what ended meanwhile. An exit is kept by the keeper
until it was handed out and the loop came back for the next one, so each is seen at least once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from hauberk.base.paths import Paths
from hauberk.node.dns.table import DnsTable
from hauberk.node.images.model import Mount, ResolvedImage
from hauberk.node.launch import Launch, container_request, proxy_request
from hauberk.node.redirect import Redirect, nft_rules

__all__ = [
    "Claimed",
    "ExecResult",
    "Exit",
    "KeeperGone",
    "Launch",
    "Mount",
    "ResolvedImage",
    "Running",
    "Runtime",
    "StartError",
]


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a process. `signal` is 0 unless one ended it; `code` is then 128 + signal. `at`: epoch s."""

    uid: str
    name: str
    attempt: int
    code: int
    signal: int
    at: float


@dataclass(frozen=True, slots=True)
class Running:
    """A live process. `pid` as seen in the pod network's pid namespace; `started_at`: epoch s.

    `born` is the uid that it was started with: another one than `uid` where a pod took over a spare. Its
    `started_at` is then the time of that.
    """

    uid: str
    name: str
    attempt: int
    pid: int
    started_at: float
    born: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A sandbox that was a spare. `running` is the Envoy in it, None when it ended meanwhile."""

    ip: str
    running: Running | None


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command printed (both streams, cut at the limit) and its exit code; 124 after a timeout."""

    code: int
    output: bytes


class StartError(Exception):
    """A container that could not be started. `reason` as the kubelet shows it; `code` is 127 or 128."""

    def __init__(self, reason: str, message: str, code: int = 128) -> None:
        super().__init__(message)
        self.reason, self.message, self.code = reason, message, code


class KeeperGone(Exception):
    """The keeper closed the connection. Nothing of the pod network is left when it ends."""


class _Lines(asyncio.Protocol):
    """Matches answers to requests; queues events."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.exits: asyncio.Queue[tuple[int, Exit] | None] = asyncio.Queue()
        self.transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are, without saying so

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, row: dict[str, Any]) -> None:
        if row.get("event") == "exit":
            number = row.pop("seq")
            row.pop("event")
            self.exits.put_nowait((number, Exit(**row)))
            return
        future = self.waiting.pop(row["id"], None)
        if future is None or future.done():
            return
        if "error" in row:
            future.set_exception(StartError(**row["error"]))
        else:
            future.set_result(row["ok"])

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.exits.put_nowait(None)
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(KeeperGone(str(exc or "connection closed")))
        self.waiting.clear()


class Runtime:
    """An asynchronous client of the keeper. Every method may raise `KeeperGone`."""

    def __init__(self, paths: Paths, lines: _Lines) -> None:
        self._paths, self._lines = paths, lines
        self._number = 0
        self._rules = asyncio.Lock()

    @classmethod
    async def connect(cls, paths: Paths) -> Runtime:
        """Connect to `paths.keeper_socket`."""
        loop = asyncio.get_running_loop()
        _, lines = await loop.create_unix_connection(_Lines, str(paths.keeper_socket))
        return cls(paths, lines)

    async def sandbox(self, uid: str, *, ip: str | None = None) -> str:
        """Create the pod's network namespace, link and address; idempotent. Returns the pod's IP.

        `ip` is taken when it is free, so that an adopted pod keeps its address.
        """
        return str((await self._ask("sandbox", uid=uid, ip=ip))["ip"])

    async def claim(self, spare: str, uid: str, *, log: Path) -> Claimed:
        """Give the sandbox `spare`, with the process in it, to a pod; its output goes on in `log`.

        Raises StartError when there is no such sandbox, or when the pod has one.
        """
        row = await self._ask("claim", spare=spare, uid=uid, log=str(log))
        return Claimed(row["ip"], Running(**row["running"]) if row["running"] else None)

    async def remove_sandbox(self, uid: str) -> None:
        """Kill what still runs in the pod and free its namespace and address; idempotent."""
        await self._ask("remove_sandbox", uid=uid)

    async def redirect(self, uid: str, spec: Redirect) -> None:
        """Capture the pod's connections: one `nft -f` in its namespace. Raises StartError."""
        await self._ask("nft", uid=uid, script=nft_rules(spec))

    async def start(self, launch: Launch) -> Running:
        """Start a container; returns after its exec succeeded. Raises StartError."""
        return Running(**await self._ask("start", spec=container_request(launch, self._paths)))

    async def start_proxy(
        self,
        uid: str,
        *,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        attempt: int = 0,
    ) -> Running:
        """Start a process in the pod's network that sees the host's files (its Envoy). Raises StartError."""
        spec = proxy_request(uid, name=name, argv=argv, env=env, log=log, attempt=attempt)
        return Running(**await self._ask("start", spec=spec))

    async def signal(self, uid: str, name: str, sig: int) -> None:
        """Send a signal to the process; nothing when it is gone."""
        await self._ask("signal", uid=uid, name=name, signal=int(sig))

    async def exec(
        self,
        uid: str,
        name: str,
        argv: Sequence[str],
        *,
        timeout_s: float = 10.0,
        limit_bytes: int = 10240,
    ) -> ExecResult:
        """Run a command inside a running container. Raises StartError when it cannot be run."""
        ask = {"uid": uid, "name": name, "argv": list(argv), "timeout_s": timeout_s, "limit": limit_bytes}
        done = await self._ask("exec", **ask)
        return ExecResult(done["code"], done["output"].encode("latin-1"))

    async def running(self) -> list[Running]:
        """Every live container and proxy, whoever started it."""
        return [Running(**row) for row in await self._ask("running")]

    async def sandboxes(self) -> dict[str, str]:
        """Pod uid to IP of every sandbox."""
        found: dict[str, str] = await self._ask("sandboxes")
        return found

    async def exits(self) -> AsyncIterator[Exit]:
        """Exits, oldest first, also those since the last reader; acked when the next one is asked for."""
        await self._ask("subscribe")
        while True:
            row = await self._lines.exits.get()
            if row is None:
                raise KeeperGone("connection closed")
            number, exited = row
            yield exited
            self._send({"op": "ack", "seq": number})

    async def set_dns(self, table: DnsTable) -> None:
        """Replace what the node's DNS answers."""
        await self._ask("dns", table=asdict(table))

    async def set_services(self, rules: str) -> None:
        """Replace the Services' rules: an nft script from `hauberk.node.proxyrules.service_rules`."""
        async with self._rules:
            await self._ask("nft", uid=None, script=rules)

    async def close(self) -> None:
        """Close the connection; everything keeps running."""
        if self._lines.transport is not None:
            self._lines.transport.close()

    async def _ask(self, operation: str, **fields: Any) -> Any:
        self._number += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._lines.waiting[self._number] = future
        self._send({"id": self._number, "op": operation, **fields})
        return await future

    def _send(self, row: dict[str, Any]) -> None:
        if self._lines.transport is None:
            raise KeeperGone("connection closed")
        self._lines.transport.write(json.dumps(row).encode() + b"\n")
