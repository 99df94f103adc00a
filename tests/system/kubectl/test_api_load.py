"""The API under load and misuse, over its real socket, as client libraries use it."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from hauberk.testing.cluster import Cluster
from hauberk.testing.space import Space

pytestmark = pytest.mark.system
MANY, WATCHES, WRITERS = 1000, 50, 20
Answer = tuple[int, Any]


class Http:
    """Requests with the kubeconfig's certificate; one connection each unless `open` is used."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._url = urlsplit(cluster["server"])
        self._tls = ssl.create_default_context(
            cadata=b64decode(cluster["certificate-authority-data"]).decode()
        )
        pair = folder / "pair.pem"
        pair.touch(0o600)
        pair.write_bytes(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
        self._tls.load_cert_chain(pair)

    @asynccontextmanager
    async def open(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> AsyncIterator[asyncio.StreamReader]:
        """Send a request; read from what is given."""
        reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port, ssl=self._tls)
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        )
        try:
            writer.write(f"{head}connection: close\r\n\r\n".encode() + body)
            yield reader
        finally:
            writer.transport.abort()

    async def ask(self, method: str, path: str, body: Any = b"", kind: str = "application/json") -> Answer:
        """Status and decoded body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.open(method, path, data, kind) as reader:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            raw = await reader.read()
        if "transfer-encoding: chunked" in head:
            raw = _unchunked(raw)
        return int(head.split()[1]), json.loads(raw)


def _unchunked(raw: bytes) -> bytes:
    out = b""
    while raw:
        size, _, rest = raw.partition(b"\r\n")
        out, raw = out + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return out


@pytest.fixture(scope="module")
def http(document: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Http:
    return Http(document.options.paths.kubeconfig, tmp_path_factory.mktemp("http"))


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(40):
            await work()

    asyncio.run(limited())


def config_maps(space: Space) -> str:
    return f"/api/v1/namespaces/{space.namespace}/configmaps"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def in_turns(items: range, work: Callable[[int], Coroutine[Any, Any, None]], at_once: int = 20) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(item: int) -> None:
        async with gate:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(one(item))


def test_a_thousand_objects_are_listed_in_chunks_of_one_revision_and_deleted_at_once(
    space: Space, http: Http
) -> None:
    path = config_maps(space)

    async def work() -> None:
        async def create(number: int) -> None:
            code, _ = await http.ask("POST", path, {**config_map(f"m-{number:04}", a="x" * 100)})
            assert code == 201

        await in_turns(range(MANY), create)
        names, pages, revisions, token = [], 0, set(), ""
        while True:
            _, page = await http.ask("GET", f"{path}?limit=300&continue={token}")
            names += [item["metadata"]["name"] for item in page["items"]]
            revisions.add(page["metadata"]["resourceVersion"])
            pages += 1
            token = page["metadata"].get("continue", "")
            if pages == 1:  # a write between the pages is not seen
                assert page["metadata"]["remainingItemCount"] == MANY + 1 - 300  # kube-root-ca.crt
                await http.ask("DELETE", f"{path}/m-0999")
            if not token:
                break
        assert (pages, len(names), len(revisions)) == (4, MANY + 1, 1)
        assert names == sorted(names)
        code, _ = await http.ask("DELETE", f"{path}?fieldSelector=metadata.name!=kube-root-ca.crt")
        assert code == 200
        _, left = await http.ask("GET", path)
        assert [o["metadata"]["name"] for o in left["items"]] == ["kube-root-ca.crt"]

    run(work)


def test_kubectl_lists_with_chunks(space: Space) -> None:
    assert len(space.must("get", "configmaps", "-A", "--chunk-size=3", "-o", "name").split()) > 10


def test_fifty_watches_see_every_change_in_order_beside_one_that_does_not_read(
    space: Space, http: Http
) -> None:
    path = config_maps(space)
    wanted = [f"w-{number:02}" for number in range(40)]

    async def work() -> None:
        _, before = await http.ask("GET", path)
        watch = f"{path}?watch=1&resourceVersion={before['metadata']['resourceVersion']}"

        async def follow() -> None:
            seen: list[str] = []
            async with http.open("GET", watch) as reader:
                while len(seen) < len(wanted):
                    line = await reader.readline()
                    if line.startswith(b"{"):
                        event = json.loads(line)
                        assert event["type"] == "ADDED"
                        seen.append(event["object"]["metadata"]["name"])
            assert seen == wanted

        async with http.open("GET", watch) as slow, asyncio.TaskGroup() as group:
            for _ in range(WATCHES):
                group.create_task(follow())
            for name in wanted:
                code, _ = await http.ask("POST", path, config_map(name, pad="y" * 20_000))
                assert code == 201
            assert slow is not None
        await http.ask("DELETE", f"{path}?fieldSelector=metadata.name!=kube-root-ca.crt")

    run(work)


def test_concurrent_updates_lose_nothing(space: Space, http: Http) -> None:
    path = config_maps(space)
    each = 2

    async def work() -> None:
        await http.ask("POST", path, config_map("counter", n="0"))
        conflicts = 0

        async def add() -> None:
            nonlocal conflicts
            _, live = await http.ask("GET", f"{path}/counter")
            live["data"]["n"] = str(int(live["data"]["n"]) + 1)
            code, said = await http.ask("PUT", f"{path}/counter", live)
            if code == 409:
                assert said["reason"] == "Conflict"
                conflicts += 1
                await add()

        async def writer(number: int) -> None:
            for turn in range(each):
                await add()
                code, _ = await http.ask(
                    "PATCH",
                    f"{path}/counter",
                    {"data": {f"w{number}": str(turn)}},
                    "application/merge-patch+json",
                )
                assert code == 200

        await in_turns(range(WRITERS), writer)
        _, live = await http.ask("GET", f"{path}/counter")
        assert int(live["data"].pop("n")) == WRITERS * each
        assert live["data"] == {f"w{number}": str(each - 1) for number in range(WRITERS)}
        assert conflicts > 0
        await http.ask("DELETE", f"{path}/counter")

    run(work)


@pytest.mark.parametrize(
    ("method", "tail", "body", "kind", "code", "reason"),
    [
        ("POST", "", b"{" + b" " * (3 * 2**20) + b"}", "application/json", 413, "RequestEntityTooLarge"),
        ("POST", "", b"a=b", "application/x-www-form-urlencoded", 415, "UnsupportedMediaType"),
        ("POST", "", b"{", "application/json", 400, "BadRequest"),
        ("POST", "", b"[]", "application/json", 400, "BadRequest"),
        ("PATCH", "/kube-root-ca.crt", b"{}", "text/plain", 415, "UnsupportedMediaType"),
        ("GET", "?limit=many", b"", "application/json", 400, "BadRequest"),
        ("GET", "?labelSelector=((", b"", "application/json", 400, "BadRequest"),
        ("GET", "?watch=1&resourceVersion=soon", b"", "application/json", 400, "BadRequest"),
        ("GET", "?limit=1&continue=bogus", b"", "application/json", 400, "BadRequest"),
        ("DELETE", "/kube-root-ca.crt/status", b"", "application/json", 404, "NotFound"),
    ],
)
def test_a_request_that_cannot_be_understood_gets_a_status(
    space: Space, http: Http, method: str, tail: str, body: bytes, kind: str, code: int, reason: str
) -> None:
    async def work() -> None:
        got, status = await http.ask(method, config_maps(space) + tail, body, kind)
        assert (got, status.get("kind"), status.get("reason")) == (code, "Status", reason)

    run(work)
