"""Bad input, slow and idle clients, and `kill -9` in a storm of writes: the API over HTTP."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from hauberk.apiserver import Server
from hauberk.engine.clock import SystemClock
from hauberk.kinds.testing import a
from hauberk.store import Store
from hauberk.testing.asgi import AsgiClient, scope_of

ROOT = Path(__file__).parents[3]
CMS = "/api/v1/namespaces/default/configmaps"
FILTERS = "/apis/networking.istio.io/v1alpha3/namespaces/default/envoyfilters"
ADMIN = 'x-forwarded-client-cert: Subject="CN=admin,O=system:masters"\r\n'


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Server]:
    store = Store.open(tmp_path / "s.db", ephemeral=True)
    server = Server(store, clock=SystemClock())
    await server.create(a("Namespace", "default"))
    yield server
    await store.close()


@pytest.fixture
def call(api: Server) -> AsgiClient:
    return AsgiClient(api.asgi)


def nested(levels: int) -> bytes:
    return b'{"metadata":{"name":"deep"},"data":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


@pytest.mark.parametrize(
    ("body", "media", "code", "says"),
    [
        (b" " * (3 << 20) + b"{}", "application/json", 413, "Request entity too large: limit is 3145728"),
        (b'{"metadata":{"name":"a\xff"}}', "application/json", 400, "not valid UTF-8"),
        (b'{"metadata":{"name":"\\ud800"}}', "application/json", 400, "surrogate"),
        (b'{"metadata":{"name":"a"}}', "text/plain", 415, "accepted media types include: application/json"),
        (b'{"data":{"n":1e999}}', "application/json", 400, "json parse error"),
        (b"k8s\x00\xff\xff\xff", "application/vnd.kubernetes.protobuf", 400, "protobuf body is malformed"),
        (b"[" * 5000 + b"]" * 5000, "application/yaml", 400, "nested too deeply"),
        (b"a: &a [x]\nb: [*a, *a]", "application/yaml", 400, "aliases"),
        (b"", "application/json", 400, "json parse error"),
        (b"null", "application/json", 400, "unrecognized"),
    ],
)
async def test_what_cannot_be_read_gets_a_status(
    call: AsgiClient, body: bytes, media: str, code: int, says: str
) -> None:
    got, status = await call("POST", CMS, body, media=media)
    assert (got, status["code"], status["kind"]) == (code, code, "Status")
    assert says in status["message"]


@pytest.mark.parametrize("levels", [150, 185, 195, 240, 248, 252, 1000, 100_000])
async def test_no_object_is_so_deep_that_lists_and_watches_of_its_kind_fail(
    call: AsgiClient, levels: int
) -> None:
    body = nested(levels).replace(b'"data"', b'"spec"')
    code, _ = await call("POST", FILTERS, body)
    assert code in (201, 400)
    assert code == 201 if levels < 190 else code == 400
    listed, found = await call("GET", FILTERS)
    assert (listed, len(found["items"])) == (200, 1 if code == 201 else 0)
    async with call.stream(f"{FILTERS}?watch=1&timeoutSeconds=1") as events:
        assert [e["type"] async for e in events] == ["ADDED"] * len(found["items"])


async def test_a_thousand_idle_watches_cost_others_nothing_and_end_with_their_clients(api: Server) -> None:
    left = asyncio.Event()
    told = [0]

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told[0] += message.get("body", b"").count(b'"ADDED"')

    headers = {"x-forwarded-client-cert": 'Subject="CN=admin,O=system:masters"'}
    async with asyncio.TaskGroup() as group:
        for _ in range(1000):
            scope = scope_of("GET", f"{CMS}?watch=1", headers)
            group.create_task(api.asgi(scope, receive, send))
        await asyncio.sleep(0)
        await api.create(a("ConfigMap", "seen"))
        async with asyncio.timeout(30):
            while told[0] < 1000:  # noqa: ASYNC110 — what is counted is what the servers sent
                await asyncio.sleep(0)
        left.set()
    assert told[0] == 1000


async def test_a_client_that_does_not_read_is_fed_later_and_holds_up_nobody(api: Server) -> None:
    let_go, first = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        lines = message.get("body", b"").splitlines()
        seen.extend(orjson.loads(line)["object"]["metadata"]["name"] for line in lines)
        if seen:
            first.set()
            await let_go.wait()  # the socket's buffer is full

    headers = {"x-forwarded-client-cert": 'Subject="CN=admin,O=system:masters"'}
    scope = scope_of("GET", f"{CMS}?watch=1&resourceVersion=1", headers)
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(api.asgi(scope, receive, send))
        names = [f"c-{i:04d}" for i in range(6000)]  # more than is buffered for one watch
        await api.create(a("ConfigMap", names[0]))
        await first.wait()
        for at in range(1, len(names), 500):
            async with asyncio.TaskGroup() as writers:
                for name in names[at : at + 500]:
                    writers.create_task(api.create(a("ConfigMap", name)))
        let_go.set()
        async with asyncio.timeout(30):
            while len(seen) < len(names):  # noqa: ASYNC110 — as above
                await asyncio.sleep(0.01)
        slow.cancel()
    assert seen == names


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The API server as a process of its own, over a database in that folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "bench.api_server", str(folder / "s.db"), str(port)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield port, process
        process.kill()


async def ask(streams: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request on a connection that is kept."""
    reader, writer = streams
    text = b"" if body is None else orjson.dumps(body)
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{ADMIN}content-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(text)}\r\n\r\n".encode() + text)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"(?i)content-length: (\d+)", answer)
    assert length is not None
    return int(answer.split()[1]), orjson.loads(await reader.readexactly(int(length[1])))


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Any]:
    """A connection, as soon as somebody listens."""
    async with asyncio.timeout(20):
        while True:
            try:
                streams = await asyncio.open_connection("127.0.0.1", port)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
    try:
        yield streams
    finally:
        streams[1].close()
        with suppress(ConnectionError):
            await streams[1].wait_closed()


async def listed(port: int) -> Any:
    """The list of a server that has just started."""
    async with connected(port) as streams:
        code, found = await ask(streams, "GET", CMS)
    assert code == 200
    return found


Acknowledged = dict[str, tuple[int, str]]  # name → revision and value of the last answer


async def storm(
    port: int, process: subprocess.Popen[str], after: int, value: str
) -> tuple[Acknowledged, int]:
    """Write from eight connections, kill the server after so many answers; what was acknowledged."""
    answered: Acknowledged = {}
    count = [0]

    async def write(streams: Any, worker: int) -> None:
        for i in range(10_000):
            name = f"w{worker}-{i % 20}"
            body = {"metadata": {"name": name}, "data": {"v": f"{value}-{i}"}}
            code, got = await ask(streams, "PUT", f"{CMS}/{name}", body)
            if code == 404:
                code, got = await ask(streams, "POST", CMS, body)
            assert code in (200, 201), got
            answered[name] = (int(got["metadata"]["resourceVersion"]), got["data"]["v"])
            count[0] += 1
            if count[0] == after:
                process.send_signal(signal.SIGKILL)

    async def work(worker: int) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            async with connected(port) as streams:
                await write(streams, worker)

    async with asyncio.TaskGroup() as group:
        for worker in range(8):
            group.create_task(work(worker))
    return answered, count[0]


async def events_from(port: int, revision: int, until: int) -> list[tuple[int, str]]:
    """What a watch that resumes there is told up to a revision: revisions and names."""
    query = f"watch=1&resourceVersion={revision}"
    told: list[tuple[int, str]] = []
    async with connected(port) as (reader, writer), asyncio.timeout(20):
        writer.write(f"GET {CMS}?{query} HTTP/1.1\r\nHost: x\r\n{ADMIN}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        while not told or told[-1][0] < until:
            size = int((await reader.readline()).strip() or b"0", 16)
            body = await reader.readexactly(size + 2)
            for line in body[:-2].splitlines():
                meta = orjson.loads(line)["object"]["metadata"]
                told.append((int(meta["resourceVersion"]), meta["name"]))
    return told


@pytest.mark.parametrize("after", [40, 333, 1200])
async def test_what_was_acknowledged_before_kill_9_is_there_and_watches_resume_exactly(
    tmp_path: Path, after: int
) -> None:
    with serving(tmp_path) as (port, process):
        first = await listed(port)
        answered, count = await storm(port, process, after, "first")
        assert count >= after
    with serving(tmp_path) as (port, _):
        found = await listed(port)
        stored = {o["metadata"]["name"]: o for o in found["items"]}
        last = int(found["metadata"]["resourceVersion"])
        for name, (revision, value) in answered.items():
            got = int(stored[name]["metadata"]["resourceVersion"])
            assert got >= revision, name
            assert got > revision or stored[name]["data"]["v"] == value
        started = int(first["metadata"]["resourceVersion"])
        told = await events_from(port, started, last)
        assert [r for r, _ in told] == list(range(started + 1, last + 1)), "each change once, in order"
        newest = {name: revision for revision, name in told}
        assert newest == {n: int(o["metadata"]["resourceVersion"]) for n, o in stored.items()}
        resumed = await events_from(port, told[len(told) // 2][0], last)
        assert resumed == told[len(told) // 2 + 1 :]
