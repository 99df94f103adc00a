"""The embedded API alone: writes, reads, watches, lists, memory and restarts.

The server is a process of its own (`bench.api_server`), without controllers, spoken to over HTTP/1.1 on the
loopback without TLS, so these are the figures of the API server and its store; a cluster's edge adds TLS.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.model import Bench, Figure, percentile, spread

SECONDS, CLIENTS, WATCHES = 8, 16, 1000
LISTED, STORED = 10_000, 100_000
ADMIN = 'Subject="CN=admin,O=system:masters"'
PATH = "/api/v1/namespaces/default/configmaps"
_LUA = """
wrk.headers["x-forwarded-client-cert"] = 'Subject="CN=admin,O=system:masters"'
wrk.headers["content-type"] = "application/json"
local n, bad = 0, 0
REQUEST
function response(status) if status > 299 then bad = bad + 1 end end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(99)))
end
"""
_CREATE = """
local value = string.rep("x", 900)
function request()
  n = n + 1
  return wrk.format("POST", "PATH", nil, string.format('{"apiVersion":"v1","kind":"ConfigMap",' ..
    '"metadata":{"name":"c-%08d"},"data":{"value":"%s"}}', n, value))
end
"""
_READ = """
function request()
  n = (n * 1103515245 + 12345) % 1000
  return wrk.format("GET", string.format("PATH/f-%06d", n))
end
"""


@contextmanager
def served(folder: Path, objects: int = 0) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server over a database in that folder: its port and process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "bench.api_server", str(folder / "s.db"), str(port), str(objects)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            ask(port, "/readyz")
            yield port, process
        finally:
            process.kill()


def ask(port: int, path: str, within_s: float = 60) -> bytes:
    """The body of a GET; waits until somebody listens."""
    deadline = time.monotonic() + within_s
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path, headers={"x-forwarded-client-cert": ADMIN})
            return connection.getresponse().read()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        finally:
            connection.close()


def pss(pid: int) -> int:
    """Proportional memory of a process, bytes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024  # type: ignore[index]


def _wrk(port: int, lua: str) -> tuple[float, float]:
    """Requests per second, and the 99th percentile of their latency in milliseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_LUA.replace("REQUEST", lua).replace("PATH", PATH))
        script.flush()
        url = f"http://127.0.0.1:{port}"
        argv = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", "--latency", "-s", script.name, url]
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", said)
    if found is None or int(found[3]):
        raise RuntimeError(said)
    return int(found[1]) / (int(found[2]) / 1e6), int(found[4]) / 1000


def _rate(what: str, got: tuple[float, float], must: int, method: str) -> Figure:
    per_s, p99 = got
    return Figure(
        what=what,
        measured=f"{per_s:,.0f}/s (p99 {p99:.1f} ms)",
        must=f"≥ {must:,}/s",
        reached=per_s >= must,
        value=per_s,
        less_is_better=False,
        method=method,
    )


def requests() -> Sequence[Figure]:
    """Creates and single reads."""
    how = f"`wrk`, one thread, {CLIENTS} connections, {SECONDS} s, over loopback HTTP/1.1"
    with tempfile.TemporaryDirectory() as folder:
        with served(Path(folder)) as (port, _):
            creates = _wrk(port, _CREATE)
            stored = len(json.loads(ask(port, PATH))["items"])
        with served(_fresh(folder), 1000) as (port, _):
            reads = _wrk(port, _READ)
    return [
        _rate(
            f"creates of a 1 kB object, durable, {CLIENTS} clients",
            creates,
            3000,
            f"{how}; each answered after its transaction is on disk (`synchronous=FULL`); {stored:,} stored",
        ),
        _rate(f"single reads, {CLIENTS} clients", reads, 5000, f"{how}; 1,000 objects of 1 kB"),
    ]


def _fresh(folder: str) -> Path:
    path = Path(folder) / "reads"
    path.mkdir()
    return path


def watches() -> Sequence[Figure]:
    """One write to a thousand watches, and a stream of them."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (port, server):
        argv = [sys.executable, "-m", "bench.api_watchers", str(port), str(WATCHES)]
        idle = pss(server.pid)
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
            each = (pss(server.pid) - idle) / WATCHES
            answers = []
            for command in ("single 30", f"stream {SECONDS}"):
                client.stdin.write(f"{command}\n")
                client.stdin.flush()
                answers.append(json.loads(client.stdout.readline()))
            client.kill()
    latencies, streamed = answers[0]["latencies"], answers[1]
    p99 = 1000 * percentile(latencies, 0.99)
    per_s = streamed["events"] / streamed["seconds"]
    return [
        Figure(
            what=f"one write to {WATCHES:,} watchers, p99",
            measured=f"{p99:.0f} ms (median {1000 * percentile(latencies, 0.5):.0f} ms)",
            must="≤ 50 ms",
            reached=p99 <= 50,
            value=p99,
            method=f"30 writes of 1 kB, each from its request to when each watcher had it; {WATCHES:,} "
            "connections of one client process on the same machine",
        ),
        Figure(
            what=f"{CLIENTS} writers to {WATCHES:,} watchers",
            measured=f"{per_s:,.0f} events/s ({streamed['writes'] / streamed['seconds']:,.0f} writes/s)",
            must="≥ 100,000 events/s",
            reached=per_s >= 100_000,
            value=per_s,
            less_is_better=False,
            method=f"{CLIENTS} connections create objects of 1 kB for {SECONDS} s; until the last watcher "
            "had the last; every watcher had every write once",
        ),
        Figure(
            what="memory of the server per idle watch",
            measured=f"{each / 1000:.0f} kB",
            must="≤ 100 kB",
            reached=each <= 100_000,
            value=each,
            method=f"Pss with {WATCHES:,} watches less Pss before, by their number",
        ),
    ]


def lists() -> Sequence[Figure]:
    """A list of ten thousand objects."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), LISTED) as (port, _):
        took = []
        for _ in range(20):
            began = time.monotonic()
            body = ask(port, PATH)
            took.append(time.monotonic() - began)
    found = len(json.loads(body)["items"])
    assert found == LISTED, found
    worst = percentile(took, 0.99)
    return [
        Figure(
            what=f"list of {LISTED:,} objects of 1 kB",
            measured=spread(took, "ms", 1000),
            must="≤ 300 ms",
            reached=worst <= 0.3,
            value=percentile(took, 0.5),
            method=f"20 requests, each from its connection to the last of {len(body) / 1e6:.0f} MB; "
            "all of them must reach",
        )
    ]


def restarts() -> Sequence[Figure]:
    """Memory per object, and how soon a server with a hundred thousand answers after `kill -9`."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty"
        empty.mkdir()
        with served(empty) as (_, process):
            bare = pss(process.pid)
        with served(Path(folder), STORED) as (_, process):
            written = (pss(process.pid) - bare) / STORED
        took = []
        for _ in range(3):
            began = time.monotonic()
            with served(Path(folder)) as (port, process):
                ask(port, f"{PATH}/f-{STORED - 1:06d}")
                took.append(time.monotonic() - began)
                loaded = (pss(process.pid) - bare) / STORED
    each = max(written, loaded)
    return [
        Figure(
            what="memory per stored 1 kB object",
            measured=f"{each / 1000:.1f} kB ({loaded / 1000:.1f} kB after a restart)",
            must="≤ 4 kB",
            reached=each <= 4000,
            value=each,
            method=f"Pss with {STORED:,} objects, just written, less Pss of an empty server, by their number",
        ),
        Figure(
            what=f"restart with {STORED:,} objects to the first answer",
            measured=spread(took, "ms", 1000),
            must="≤ 3,000 ms",
            reached=max(took) <= 3,
            value=percentile(took, 0.5),
            method="after `kill -9`: from the start of the process to the answer of a GET of the last object",
        ),
    ]


BENCHES: tuple[Bench, ...] = (
    Bench(name="api-requests", run=requests),
    Bench(name="api-watches", run=watches),
    Bench(name="api-lists", run=lists),
    Bench(name="api-restarts", run=restarts),
)
