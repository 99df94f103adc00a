"""Everything HTTP carries, through edge → router → gateway → activator → pod."""

from __future__ import annotations

import base64
import contextlib
import os
import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest

from hauberk.cluster import find, processes
from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
WARM = {"autoscaling.knative.dev/min-scale": "1"}
DIRECT = {**WARM, "autoscaling.knative.dev/target-burst-capacity": "0"}
SIZE = 100 << 20
MORE = 60 << 20  # far below the size: what buffers, the allocator and other requests may take meanwhile


def frame(text: bytes) -> bytes:
    """A masked text frame."""
    mask = os.urandom(4)
    return bytes([0x81, 0x80 | len(text)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text))


def read_until(sock: ssl.SSLSocket, mark: bytes) -> bytes:
    """What comes up to the mark."""
    out = b""
    while mark not in out:
        data = sock.recv(65536)
        assert data, out
        out += data
    return out


WAYS = {"through the activator": ("proto", WARM, "Proxy"), "past the activator": ("direct", DIRECT, "Serve")}


@pytest.fixture(scope="module")
def apps(mesh: Any, protocols: str) -> Iterator[dict[str, str]]:
    """The app's host by the way that requests take to it."""
    hosts = {way: mesh.deploy(name, protocols, notes=notes) for way, (name, notes, _) in WAYS.items()}
    for name, _, mode in WAYS.values():
        eventually(lambda n=name, m=mode: mesh.get("sks", f"{n}-00001")["spec"]["mode"] == m, what=mode)
    yield hosts
    mesh.forget(*(name for name, _, _ in WAYS.values()))


@pytest.fixture(params=WAYS)
def app(request: pytest.FixtureRequest, apps: dict[str, str]) -> str:
    """The app's host."""
    return apps[request.param]


@pytest.mark.must("way-websocket")
def test_a_websocket_talks_both_ways(mesh: Any, app: str) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    with mesh.connect(app) as sock:
        sock.sendall(
            f"GET /ws HTTP/1.1\r\nhost: {app}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n".encode()
        )
        assert read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 101")
        for word in (b"one", b"two"):
            sock.sendall(frame(word))
            assert read_until(sock, word.upper()).endswith(word.upper())


@pytest.mark.must("way-sse")
def test_events_arrive_as_they_happen(mesh: Any, app: str) -> None:
    with mesh.connect(app) as sock:
        sock.sendall(f"GET /sse HTTP/1.1\r\nhost: {app}\r\n\r\n".encode())
        read_until(sock, b"data: 0")
        first = time.monotonic()
        read_until(sock, b"data: 2")
        assert time.monotonic() - first > 0.3


def proxies(mesh: Any) -> dict[int, int]:
    """The cluster's Envoys by process, with the memory that each holds now."""
    tree = processes.descendants(find.keeper(mesh.cluster.name).pid)
    return {pid: rss(pid) for pid in tree if (processes.command_line(pid) or [""])[0].endswith("envoy")}


def rss(pid: int) -> int:
    """Bytes of memory; 0 for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(row.split()[1]) << 10 for row in text.splitlines() if row.startswith("VmRSS")), 0)


@contextlib.contextmanager
def memory_stays(mesh: Any) -> Iterator[None]:
    """No Envoy grows by anything like the body while the block runs."""
    before, most, done = proxies(mesh), dict[int, int](), threading.Event()
    assert before

    def watch() -> None:
        while not done.is_set():
            for pid in before:
                most[pid] = max(most.get(pid, 0), rss(pid))
            done.wait(0.05)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()
    grown = {pid: most[pid] - size for pid, size in before.items()}
    assert max(grown.values()) < MORE, grown


@pytest.mark.must("way-large")
def test_a_hundred_megabytes_go_up_and_down_and_no_proxy_keeps_them(mesh: Any, app: str) -> None:
    with memory_stays(mesh):
        sent = mesh.call(app, "/upload", method="POST", body=bytes(SIZE))
        assert sent.text == str(SIZE)
        assert len(mesh.call(app, f"/size?{SIZE}").body) == SIZE


@pytest.mark.must("way-large")
def test_a_client_that_reads_slowly_does_not_fill_a_proxy(mesh: Any, app: str) -> None:
    with memory_stays(mesh), mesh.connect(app) as sock:
        sock.sendall(f"GET /size?{SIZE} HTTP/1.1\r\nhost: {app}\r\n\r\n".encode())
        read_until(sock, b"\r\n\r\n")
        time.sleep(1)


@pytest.mark.must("way-chunked")
def test_an_upload_in_chunks_is_not_collected_first(mesh: Any, app: str) -> None:
    with mesh.connect(app) as sock:
        sock.sendall(f"POST /upload HTTP/1.1\r\nhost: {app}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for _ in range(3):
            sock.sendall(b"5\r\nabcde\r\n")
            time.sleep(0.05)
        sock.sendall(b"0\r\n\r\n")
        assert b"\r\n\r\n15" in read_until(sock, b"\r\n\r\n15")


@pytest.mark.must("way-trailers")
def test_trailers_go_to_the_app_and_back(mesh: Any, app: str) -> None:
    with mesh.connect(app) as sock:
        sock.sendall(
            f"POST /trailers HTTP/1.1\r\nhost: {app}\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
            "3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n".encode()
        )
        assert b"0\r\nx-sum: 42\r\n" in read_until(sock, b"42\r\n\r\n")


@pytest.mark.must("way-continue")
def test_a_client_may_wait_for_100_continue(mesh: Any, app: str) -> None:
    with mesh.connect(app) as sock:
        head = f"POST /upload HTTP/1.1\r\nhost: {app}\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n"
        sock.sendall(head.encode())
        assert read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"hello")
        assert read_until(sock, b"\r\n\r\n5").startswith(b"HTTP/1.1 200 ")


@pytest.mark.must("api-http1-requests")
def test_one_connection_carries_many_requests(mesh: Any, app: str) -> None:
    with mesh.connect(app) as sock:
        for number in range(20):
            sock.sendall(f"GET /env?K_REVISION HTTP/1.1\r\nhost: {app}\r\nx-n: {number}\r\n\r\n".encode())
            assert read_until(sock, b"-00001").startswith(b"HTTP/1.1 200 ")


@pytest.fixture(scope="module")
def rpc(mesh: Any, rpc_image: str) -> Iterator[str]:
    """The host of a gRPC service with an h2c port and a gRPC probe."""
    container = {
        "ports": [{"name": "h2c", "containerPort": 8080}],
        "readinessProbe": {"grpc": {"port": 8080}},
    }
    host = mesh.deploy("rpc", rpc_image, notes=WARM, container=container)
    yield host
    mesh.forget("rpc")


def channel(mesh: Any, host: str) -> grpc.Channel:
    """A channel through the Route."""
    options = mesh.cluster.options
    target = f"ipv4:{options.address}:{options.https_port}"
    names = [("grpc.ssl_target_name_override", host), ("grpc.default_authority", host)]
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(mesh.roots.read_bytes()), names)


@pytest.mark.must("api-http2-streams", "way-grpc")
def test_grpc_calls_of_every_kind_and_status_codes_pass(mesh: Any, rpc: str) -> None:
    with channel(mesh, rpc) as opened:
        assert opened.unary_unary("/test.Echo/Say")(b"hello", timeout=10) == b"HELLO"
        spelt = opened.unary_stream("/test.Echo/Spell")(b"abc", timeout=10)
        assert list(spelt) == [b"a", b"b", b"c"]
        assert dict(spelt.trailing_metadata())["count"] == "3"
        parts = (bytes([number]) * 100_000 for number in range(5))
        assert len(opened.stream_unary("/test.Echo/Gather")(parts, timeout=10)) == 500_000
        with pytest.raises(grpc.RpcError) as refused:
            opened.unary_unary("/test.Echo/Fail")(b"x", timeout=10)
        assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert refused.value.details() == "as asked"


@pytest.mark.must("way-grpc")
def test_a_grpc_conversation_goes_word_by_word(mesh: Any, rpc: str) -> None:
    said: queue.Queue[bytes | None] = queue.Queue()
    with channel(mesh, rpc) as opened:
        answers = opened.stream_stream("/test.Echo/Chat")(iter(said.get, None), timeout=10)
        for word in (b"a", b"b", b"c"):
            said.put(word)
            assert next(answers) == word.upper()
        said.put(None)
        assert list(answers) == []


def test_a_cold_grpc_service_answers_many_at_once(mesh: Any, rpc_image: str, gone: Gone) -> None:
    gone("rpc-cold")
    container = {"ports": [{"name": "h2c", "containerPort": 8080}]}
    notes = {"autoscaling.knative.dev/window": "6s"}
    host = mesh.deploy("rpc-cold", rpc_image, container=container, notes=notes)
    eventually(lambda: not mesh.pods("rpc-cold", ready=False), within_s=40, what="scale to zero")
    with channel(mesh, host) as opened, futures.ThreadPoolExecutor(8) as pool:
        say = opened.unary_unary("/test.Echo/Say")
        answers = list(pool.map(lambda word: say(word, timeout=20), [b"a"] * 16))
    assert answers == [b"A"] * 16
