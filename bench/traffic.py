"""Steady load: what the proxies add, a rise from zero, a rollout under load."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence

from bench import load, stage, static_mesh
from bench.model import Figure
from hauberk.testing.cluster import Cluster, hauberk
from hauberk.xds import binary

DELAY_MS = 100
IMAGE = "bench.local/slow"
SECONDS = 10
RATE = 1000
P95_MS = 115.0
ADDED_MS = {"pod only": 3.0, "through the activator": 5.0}


def added() -> Sequence[Figure]:
    """What the way adds to a backend of 100 ms at 1,000 requests/s."""
    ways = {"pod only": "0", "through the activator": "-1"}
    with stage.documented() as cluster:
        _add_image(cluster)
        hosts = {
            way: stage.apply_service(
                cluster, f"slow-{i}", IMAGE, min_scale="1", max_scale="1", target_burst_capacity=burst
            )
            for i, (way, burst) in enumerate(ways.items())
        }
        seen = {way: _run(cluster, host, RATE) for way, host in hosts.items()}
    return [
        Figure(
            what=f"added p95 at {RATE:,} requests/s with a {DELAY_MS} ms backend, {way}",
            measured=f"{one.p95_ms - DELAY_MS:.1f} ms ({one.per_s:.0f} requests/s, {one.errors} errors)",
            must=f"≤ {ADDED_MS[way]:g} ms",
            reached=one.p95_ms - DELAY_MS <= ADDED_MS[way] and not one.errors,
            value=one.p95_ms - DELAY_MS,
            method=f"wrk over TLS from the host through Route and gateway, {SECONDS} s, each connection "
            f"paced; p95 less {DELAY_MS} ms",
            peer="upstream allows 10 ms",
        )
        for way, one in seen.items()
    ]


def rise() -> Sequence[Figure]:
    """From zero to 1,000 and 2,000 requests/s."""
    with stage.documented() as cluster:
        _add_image(cluster)
        stage.patch_serving(cluster, {"autoscaler": {"allow-zero-initial-scale": "true"}})
        host = stage.apply_service(cluster, "rise", IMAGE, initial_scale="0")
        steps = [_run(cluster, host, rate) for rate in (RATE, 2 * RATE)]
    errors, worst = sum(s.errors for s in steps), max(s.p95_ms for s in steps)
    rates = ", ".join(f"{s.per_s:.0f} requests/s p95 {s.p95_ms:.0f} ms" for s in steps)
    return [
        Figure(
            what=f"load 0 → 1k → 2k requests/s from zero, {DELAY_MS} ms backend",
            measured=f"{errors} errors; {rates}",
            must=f"0 errors, p95 ≤ {P95_MS:.0f} ms",
            reached=not errors and worst <= P95_MS,
            value=worst,
            method=f"wrk, {SECONDS} s at each rate one after the other, first to a service without a pod",
        )
    ]


def rollout() -> Sequence[Figure]:
    """A new revision while 1,000 requests/s are under way."""
    with stage.documented() as cluster:
        _add_image(cluster)
        host = stage.apply_service(cluster, "roll", IMAGE, min_scale="1")
        found: list[load.Paced] = []
        sender = threading.Thread(target=lambda: found.append(_run(cluster, host, RATE, seconds=20)))
        sender.start()
        for number in (2, 3):
            cluster.must(
                "patch", "ksvc/roll", "-n", "default", "--type=json", "-p",
                '[{"op":"add","path":"/spec/template/spec/containers/0/env","value":'
                f'[{{"name":"NUMBER","value":"{number}"}}]}}]',
            )  # fmt: skip
            cluster.must("wait", "--for=condition=Ready", "ksvc/roll", "-n", "default", "--timeout=60s")
        sender.join()
    (one,) = found
    return [
        Figure(
            what=f"rollout at {RATE:,} requests/s",
            measured=f"{one.errors} errors of {one.requests} ({one.per_s:.0f} requests/s)",
            must="0 errors",
            reached=not one.errors,
            method=f"two new revisions one after the other within 20 s of load; {DELAY_MS} ms backend",
        )
    ]


def _run(cluster: Cluster, host: str, rate: int, *, seconds: int = SECONDS) -> load.Paced:
    return load.paced(host, cluster.options.https_port, rate=rate, takes_ms=DELAY_MS, seconds=seconds)


def _add_image(cluster: Cluster) -> None:
    """An Envoy that answers after 100 ms: an application that is never the bottleneck."""
    app = cluster.folder / "slow"  # the image is read when it is pulled
    app.mkdir()
    shutil.copy(str(binary.envoy()), app / "envoy")
    (app / "config.json").write_text(static_mesh.backend(("0.0.0.0", 8080), 16, delay_ms=DELAY_MS))
    words = "--concurrency 1 --use-dynamic-base-id -l error"
    (app / "Procfile").write_text(f"web: ./envoy -c config.json {words}\n")
    made = hauberk("image", "add", "--name", cluster.name, IMAGE, str(app))
    assert made.returncode == 0, made.stderr
