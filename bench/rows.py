"""The benchmarks of the document on one machine, one function a row."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import load, stage, static_mesh
from bench.model import Bench, Figure, percentile, spread
from hauberk.base.progress import Quiet
from hauberk.cluster import client
from hauberk.demo.run import apply_document, make_certificates
from hauberk.node import enter
from hauberk.node.images import ResolvedImage, table
from hauberk.testing.cluster import Cluster, hauberk
from hauberk.xds import binary

BODY_BYTES = 1024
ONE_WORKER = ("--concurrency", "1", "--use-dynamic-base-id", "-l", "error")


def up() -> Sequence[Figure]:
    """`hauberk up` to the first `kubectl get ns` answered."""
    took = []
    for _ in range(6):
        began = time.monotonic()
        with stage.fresh() as cluster:
            cluster.must("get", "ns")
            took.append(time.monotonic() - began)
    warm = took[1:]
    return [
        Figure(
            what="`hauberk up` to the first `kubectl get ns` answered, warm",
            measured=spread(warm, "ms", 1000),
            must="≤ 1,500 ms",
            reached=percentile(warm, 0.5) <= 1.5,
            method="5 runs after one that is not counted; the command's start to kubectl's exit",
            peer="k3d 19.9 s, kind 33.0 s, kn quickstart 110 s (their own figures)",
        )
    ]


def document() -> Sequence[Figure]:
    """The document applied to everything Ready; then the whole idle cluster's memory."""
    took = [_document_s() for _ in range(3)]
    with stage.documented() as cluster:
        stage.wait_for_no_pods(cluster, "hello", within_s=240)
        memory = cluster.status()["memory"]
    parts = ", ".join(f"{k} {v / 1e6:.0f}" for k, v in memory["byPart"].items())
    return [
        Figure(
            what="document applied (mesh, Serving, Eventing) to everything Ready",
            measured=spread(took, "ms", 1000),
            must="≤ 10,000 ms",
            reached=percentile(took, 0.5) <= 10,
            method="first kubectl to the Ready of the Knative service, each on a fresh cluster",
        ),
        Figure(
            what="whole idle cluster with the document applied, PSS",
            measured=f"{memory['pssBytes'] / 1e6:.0f} MB ({parts})",
            must="≤ 600 MB",
            reached=memory["pssBytes"] <= 600e6,
            method="sum of Pss in smaps_rollup of every process of the cluster, `hello` scaled to zero",
            peer="OpenShift Local asks for 10.5 GiB",
        ),
    ]


def _document_s() -> float:
    with stage.fresh() as cluster:
        make_certificates(cluster.shell, Quiet())
        began = time.monotonic()
        apply_document(cluster.shell, cluster.kube, Quiet())
        return time.monotonic() - began


def cold_start() -> Sequence[Figure]:
    """A request to a service scaled to zero, beyond the application's own start."""
    rounds = 20
    with stage.documented() as cluster:
        grace = {
            "spec": {"config": {"autoscaler": {"stable-window": "6s", "scale-to-zero-grace-period": "6s"}}}
        }
        cluster.must(
            "patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge",
            "-p", json.dumps(grace),
        )  # fmt: skip
        host = stage.apply_service(cluster, "cold", "hauberk.local/helloworld", window="6s")
        took = []
        for _ in range(rounds):
            stage.wait_for_zero(cluster, "cold")
            time.sleep(0.5)
            took.append(stage.request_s(cluster, host, wanted="Hello"))
    own = percentile([_own_start_s() for _ in range(10)], 0.5)
    beyond = [t - own for t in took]
    p50, p95 = percentile(beyond, 0.5), percentile(beyond, 0.95)
    return [
        Figure(
            what="cold start beyond the app's own start, p50 / p95",
            measured=f"{p50 * 1000:.0f} / {p95 * 1000:.0f} ms "
            f"(n={rounds}; the app alone {own * 1000:.0f} ms)",
            must="≤ 150 / 300 ms",
            reached=p50 <= 0.150 and p95 <= 0.300,
            method="TLS connect to body, new connection; minus the median from exec of the sample "
            "to its first answer",
        )
    ]


def _own_start_s() -> float:
    """From starting the sample by hand to its first answer."""
    image = table.builtin("helloworld", "hauberk.local/helloworld")
    assert image is not None, "the sample is in the table of built-in images"
    argv = on_the_host(image)
    port = _free_port()
    environment = {**image.env, "PORT": str(port)}
    began = time.monotonic()
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as wire:
                wire.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                if wire.recv(1024):
                    return time.monotonic() - began
            time.sleep(0.001)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def on_the_host(image: ResolvedImage) -> list[str]:
    """The image's command line with the paths of its mounts as they are outside a container."""
    argv = []
    for word in (*image.entrypoint, *image.cmd):
        for mount in image.binds:
            if word == mount.target or word.startswith(f"{mount.target}/"):
                word = mount.source + word[len(mount.target) :]
        argv.append(word)
    return argv


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def warm() -> Sequence[Figure]:
    """Requests per second through the mesh against the same hops by hand, in one run."""
    seconds, rounds, envoy = 4, 7, str(binary.envoy())
    with stage.documented() as cluster, tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "app"
        app.mkdir()
        shutil.copy(envoy, app / "envoy")
        (app / "config.json").write_text(static_mesh.backend(("0.0.0.0", 8080), BODY_BYTES))
        (app / "Procfile").write_text(f"web: ./envoy -c config.json {' '.join(ONE_WORKER)}\n")
        added = hauberk("image", "add", "--name", cluster.name, "bench.local/one-kb", str(app))
        assert added.returncode == 0, added.stderr
        host = stage.apply_service(
            cluster, "warm", "bench.local/one-kb", min_scale="1", max_scale="1", target_burst_capacity="0"
        )
        with _by_hand(cluster, Path(folder), envoy) as port:
            pairs = []
            for _ in range(rounds):
                ours = load.requests_per_s(host, cluster.options.https_port, seconds=seconds)
                pairs.append((ours, load.requests_per_s(host, port, seconds=seconds)))
    ratios = [ours / theirs for ours, theirs in pairs]
    ratio = percentile(ratios, 0.5)
    ours, theirs = (percentile(side, 0.5) for side in zip(*pairs, strict=True))
    return [
        Figure(
            what="warm request, Route → gateway → pod, mTLS, 1 kB, against static Envoys",
            measured=f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}, n={rounds}; "
            f"{ours:.0f} against {theirs:.0f} requests/s)",
            must="≥ 0.9",
            reached=ratio >= 0.9,
            method=f"wrk, 16 connections, {seconds} s on each side in turn, median of the rounds' ratios; "
            "the four hops of bench/static_mesh.py on the same pod network, one worker each",
        )
    ]


@contextlib.contextmanager
def _by_hand(cluster: Cluster, folder: Path, envoy: str) -> Iterator[int]:
    """The hand-written mesh while the block runs; yields the port that requests enter by.

    Each hop but the edge runs in the network namespace of a pod that has no Envoy of its own.
    """
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-days", "3", "-newkey", "ec",
         "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=mesh",
         "-addext", f"subjectAltName=URI:{static_mesh.IDENTITY}",
         "-keyout", "mesh.key", "-out", "mesh.crt"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    grounds = {hop: stage.empty_pod(cluster, f"by-hand-{hop}") for hop in ("router", "gateway", "pod")}
    places = static_mesh.Places(
        edge=_free_port(),
        router=folder / "router.sock",
        gateway=(grounds["gateway"].ip, 8443),
        pod=(grounds["pod"].ip, 8012),
        app=8080,
    )
    wildcard = (cluster.folder / "wildcard.crt", cluster.folder / "wildcard.key")
    mesh = (folder / "mesh.crt", folder / "mesh.key", folder / "mesh.crt")
    homes = {"edge": None, "app": grounds["pod"], **grounds}
    # A session each, as in the cluster: the kernel shares the processors out by session (sched_autogroup).
    running = []
    try:
        for hop, config in static_mesh.configs(places, wildcard, mesh, BODY_BYTES).items():
            command = [envoy, "--config-yaml", config, *ONE_WORKER]
            home = homes[hop]
            inside = enter.argv(cluster.options.paths, home.uid, command) if home else command
            running.append(subprocess.Popen(inside, start_new_session=True))
        time.sleep(1.5)
        yield places.edge
    finally:
        for process in running:
            process.kill()
            process.wait()


def propagation() -> Sequence[Figure]:
    """From writing a VirtualService to every Envoy having acknowledged it."""
    changes = 100
    with stage.documented() as cluster:
        manifest = {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "moving", "namespace": "default"},
            "spec": {
                "hosts": ["moving.default.svc.cluster.local"],
                "http": [{"route": [{"destination": {"host": "hello.default.svc.cluster.local"}}]}],
            },
        }
        cluster.apply(json.dumps(manifest))
        socket_path = cluster.options.paths.api_socket
        took = []
        for i in range(changes):
            began = time.monotonic()
            revision = _patch_timeout(socket_path, i)
            client.get_json(socket_path, f"/hauberk/v1/acked?revision={revision}", timeout_s=10)
            took.append(time.monotonic() - began)
        proxies = cluster.status()["proxies"]["total"]
    return [
        Figure(
            what="change of a VirtualService to every Envoy acknowledged",
            measured=f"p50 {percentile(took, 0.5) * 1000:.0f} ms, p99 {percentile(took, 0.99) * 1000:.0f} ms "
            f"(n={changes}, {proxies} proxies)",
            must="p99 ≤ 100 ms",
            reached=percentile(took, 0.99) <= 0.1,
            method="request of the write to the control plane's word that every proxy acknowledged "
            "that revision",
        )
    ]


def _patch_timeout(socket_path: Path, i: int) -> int:
    target = "/apis/networking.istio.io/v1/namespaces/default/virtualservices/moving"
    body = json.dumps([{"op": "add", "path": "/spec/http/0/timeout", "value": f"{i + 1}s"}]).encode()
    status, answer = client.send(socket_path, "PATCH", target, body, "application/json-patch+json")
    if status != 200:
        raise RuntimeError(answer.decode())
    return int(json.loads(answer)["metadata"]["resourceVersion"])


BENCHES: tuple[Bench, ...] = (
    Bench(name="up", run=up),
    Bench(name="document", run=document),
    Bench(name="cold-start", run=cold_start),
    Bench(name="warm", run=warm),
    Bench(name="propagation", run=propagation),
)
