"""The API server as a cluster runs it, alone: one process, its store on disk, HTTP/1.1 on a loopback port.

`python -m bench.api_server DATABASE PORT [OBJECTS]` creates that many ConfigMaps of 1 kB first, then prints
`ready` and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from pathlib import Path

import uvloop

from hauberk.apiserver import Server
from hauberk.app.http import HttpServer
from hauberk.engine.clock import SystemClock
from hauberk.store import Store

VALUE = "x" * 900
_AT_ONCE = 500


async def fill(api: Server, objects: int) -> None:
    """Create ConfigMaps `f-000000` and on."""
    for at in range(0, objects, _AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for i in range(at, min(at + _AT_ONCE, objects)):
                group.create_task(api.create(config_map(f"f-{i:06d}"), manager="bench"))


def config_map(name: str) -> dict[str, object]:
    """An object of about 1 kB."""
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"value": VALUE}}


async def main(database: Path, port: int, objects: int) -> None:
    """Serve until cancelled."""
    store = Store.open(database)
    gc.freeze()  # as hauberk.app does
    api = Server(store, clock=SystemClock())
    if api.snapshot().revision == 0:
        await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    await fill(api, objects)
    door = HttpServer(api.asgi, lambda: socket.create_server(("127.0.0.1", port)))
    async with asyncio.TaskGroup() as group:
        group.create_task(door.run())
        print("ready", flush=True)


if __name__ == "__main__":
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2]), count))
