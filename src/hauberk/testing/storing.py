"""An API server that only stores: the embedded one with its kinds, over HTTP, without controllers.

It is what a cluster looks like whose operators' CRDs are installed and whose operators do not run.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import yaml

from hauberk.apiserver import Server
from hauberk.apiserver.rbac.defaults import bring_up
from hauberk.apiserver.request import AUTHENTICATED, User
from hauberk.engine.clock import SystemClock
from hauberk.kinds import KINDS
from hauberk.kinds.meta import Kind
from hauberk.ports_admission import Admission
from hauberk.store import Store

USERS = {"admin": User("admin", ("system:masters", AUTHENTICATED)), "sam": User("sam", (AUTHENTICATED,))}


@dataclass(frozen=True, kw_only=True)
class Storing:
    """A server that runs: its API in process, and its door."""

    api: Server
    url: str
    folder: Path
    door: uvicorn.Server

    def kubeconfig(self, token: str = "admin") -> str:
        """The path of a kubeconfig: `admin` may everything, `sam` nothing, any other token is expired."""
        path = self.folder / f"{token}.kubeconfig"
        content = {
            "current-context": "storing",
            "clusters": [{"name": "storing", "cluster": {"server": self.url}}],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [{"name": "storing", "context": {"cluster": "storing", "user": "me"}}],
        }
        path.write_text(yaml.safe_dump(content))
        return str(path)


@asynccontextmanager
async def storing(
    folder: Path, *, kinds: Iterable[Kind[Any]] = KINDS, admission: Sequence[Admission] = ()
) -> AsyncIterator[Storing]:
    """Serve until the block ends."""
    store = Store.open(folder / "storing.db", ephemeral=True)
    api = Server(store, clock=SystemClock(), kinds=kinds, admission=admission, authenticators=(_by_token,))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = uvicorn.Config(api.asgi, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        door = uvicorn.Server(settings)
        await bring_up(api)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(door.serve(sockets=[listener]))
            while not door.started and not serving.done():  # noqa: ASYNC110 — uvicorn tells by a flag only
                await asyncio.sleep(0.01)
            try:
                yield Storing(api=api, url=url, folder=folder, door=door)
            finally:
                door.should_exit = True
    await store.close()


def _by_token(headers: Mapping[str, str]) -> User | None:
    return USERS.get(headers.get("authorization", "").removeprefix("Bearer "))
