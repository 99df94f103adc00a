"""What a role gets: its settings, its directories, its contract, and the end.

A role is a module with `async def run(place: Place)`. It listens (`serve`), follows its contract (`obey`),
waits for `stopping`, lets what it holds end (`lame`), and returns.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hauberk.base.files import write_whole
from hauberk.dataplane.client import Client
from hauberk.dataplane.messages import Answer, Handler, Request
from hauberk.dataplane.metrics import Metrics
from hauberk.dataplane.server import LIMIT, Server
from hauberk.events.contract import Contract, Served

Apply = Callable[[Contract], Awaitable[Served]]

HEALTHY = Answer(200)
PORT = 8080
METRICS_PORT = 9090
_QUIET_S = 1.0  # nobody asked for so long: the endpoints know that this pod ends
_LAME_S = 10.0


@dataclass
class Place:
    """One role's surroundings. `data` lasts (per workload), `run` is the pod's."""

    role: str
    data: Path
    run: Path
    env: Mapping[str, str]
    tasks: asyncio.TaskGroup
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    client: Client = field(default_factory=Client)
    metrics: Metrics = field(default_factory=Metrics)
    ports: dict[str, int] = field(default_factory=dict)
    host: str | None = None  # None: all addresses
    contract: Contract | None = None
    is_fresh: bool = False  # whether the contract in force, or being applied, came in this process's time
    served: Served = field(default_factory=Served)

    async def serve(self, handler: Handler, port: int = PORT, *, limit: int = LIMIT) -> Server:
        """Listen for events; `GET /healthz` is answered here: 200, and 503 while draining."""

        async def handle(request: Request) -> Answer:
            if request.target == "/healthz" and request.method in ("GET", "HEAD"):
                return Answer(503) if self.stopping.is_set() else HEALTHY
            return await handler(request)

        server = Server(handle, self.tasks, limit=limit)
        self.ports["http"] = await server.listen(self.host, self.ports.get("http", port))
        return server

    async def obey(self, apply: Apply) -> None:
        """Serve the contract kept from before, then those that come: `PUT /contract` on `run/control.sock`.

        `apply` takes effect before it returns. It says what of the contract cannot be served.
        """
        turn = asyncio.Lock()

        async def take(contract: Contract) -> Served:
            async with turn:
                self.served = await apply(contract)
                self.contract = contract
                return self.served

        kept = read_contract(self.data)
        if kept is not None:
            await take(kept)
        self.is_fresh = True
        control = Server(_Control(self, take).handle, self.tasks, limit=256 * 1024 * 1024)
        await control.listen_unix(self.run / "control.sock")

    async def serve_metrics(self, port: int = METRICS_PORT) -> Server:
        """`GET /metrics` on its own port."""
        server = Server(self._metrics, self.tasks)
        self.ports["metrics"] = await server.listen(self.host, self.ports.get("metrics", port))
        return server

    async def _metrics(self, request: Request) -> Answer:
        if request.target.partition("?")[0] != "/metrics":
            return Answer(404)
        return self.exposition()

    def exposition(self) -> Answer:
        """All figures as Prometheus reads them."""
        return Answer(200, {"content-type": "text/plain; version=0.0.4"}, self.metrics.text().encode())

    async def lame(self, server: Server) -> None:
        """After `stopping`: serve on until nobody asks any more, then close.

        Source: knative.dev/pkg/network/handlers/drain.go: readiness fails at once; a quiet period; the end.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + _LAME_S
        quiet_s = float(self.env.get("HAUBERK_QUIET_SECONDS", _QUIET_S))
        while loop.time() < end:
            before = server.requests
            await asyncio.sleep(quiet_s)
            if server.requests == before:
                break
        await server.drain()


class _Control:
    """The door for the control plane."""

    def __init__(self, place: Place, take: Apply) -> None:
        self._place, self._take = place, take

    async def handle(self, request: Request) -> Answer:
        import msgspec

        path = request.target.partition("?")[0]
        if path == "/metrics":
            return Answer(
                200, {"content-type": "text/plain; version=0.0.4"}, self._place.metrics.text().encode()
            )
        if path != "/contract":
            return Answer(404)
        if request.method == "GET":
            return _json(msgspec.json.encode(self._place.served))
        if request.method != "PUT":
            return Answer(405, {"allow": "GET, PUT"})
        try:
            contract = msgspec.json.decode(request.body, type=Contract)
        except (msgspec.MsgspecError, ValueError) as error:
            return Answer(400, {}, str(error).encode())
        served = await self._take(contract)
        keep_contract(self._place.data, request.body)
        return _json(msgspec.json.encode(served))


def _json(body: bytes) -> Answer:
    return Answer(200, {"content-type": "application/json"}, body)


def keep_contract(folder: Path, body: bytes) -> None:
    """Write the contract where the next process of this workload finds it. A full disk does not matter."""
    new = folder / f".contract.{os.getpid()}.new"  # replicas write the same file
    try:
        write_whole(new, body)
        new.rename(folder / "contract.json")
    except OSError as error:
        import logging

        logging.getLogger(__name__).warning("the contract could not be kept: %s", error)


def read_contract(folder: Path) -> Contract | None:
    """The contract kept last, or None: there is none, or it is of another version of this program."""
    import msgspec

    try:
        return msgspec.json.decode((folder / "contract.json").read_bytes(), type=Contract)
    except (OSError, msgspec.MsgspecError):
        return None
