"""Cold starts: one service at a time, and many at once."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench import stage
from bench.model import Figure, percentile
from hauberk.node.images import ResolvedImage, table
from hauberk.testing.cluster import Cluster

LIMITS_S = {25: 1.0, 100: 4.0}
"""Services that are asked at once, and what the p95 beyond the app's own start must reach."""


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
            value=p50,
            method="TLS connect to body, new connection; minus the median from exec of the sample "
            "to its first answer",
        )
    ]


def cold_starts() -> Sequence[Figure]:
    """Many services at zero, each asked once, all at the same time."""
    own = percentile([_own_start_s() for _ in range(10)], 0.5)
    figures = []
    for many in (25, 100):
        with stage.documented() as cluster:
            stage.patch_serving(cluster, {"autoscaler": {"allow-zero-initial-scale": "true"}})
            hosts = stage.apply_at_zero(cluster, [f"cold-{i:03d}" for i in range(many)])
            stage.wait_for_no_pods(cluster, "hello", within_s=240)
            with ThreadPoolExecutor(many) as pool:
                took = list(pool.map(lambda host: _asked_s(cluster, host), hosts))
        failed = sum(t is None for t in took)
        beyond = [t - own for t in took if t is not None]
        p50, p95 = percentile(beyond, 0.5), percentile(beyond, 0.95)
        figures.append(
            Figure(
                what=f"cold start of {many} services at once, beyond the app's own start, p50 / p95",
                measured=f"{p50:.1f} / {p95:.1f} s, {failed} failed",
                must=f"p95 ≤ {LIMITS_S[many]:g} s, 0 failed",
                reached=p95 <= LIMITS_S[many] and not failed,
                value=p95,
                method=f"{many} services that never had a pod, one request to each from a thread of its own; "
                f"TLS connect to body, minus {own * 1000:.0f} ms",
            )
        )
    return figures


def _asked_s(cluster: Cluster, host: str) -> float | None:
    try:
        return stage.request_s(cluster, host, wanted="Hello")
    except (OSError, RuntimeError):
        return None


def _own_start_s() -> float:
    """From starting the sample by hand to its first answer."""
    image = table.builtin("helloworld", "hauberk.local/helloworld")
    assert image is not None, "the sample is in the table of built-in images"
    argv = on_the_host(image)
    port = free_port()
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


def free_port() -> int:
    """A TCP port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
