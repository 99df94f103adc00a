"""Warm requests against the same hops by hand."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import load, stage, static_mesh
from bench.cold import free_port
from bench.model import Figure, percentile
from hauberk.node import enter
from hauberk.testing.cluster import Cluster, hauberk
from hauberk.xds import binary

BODY_BYTES = 1024
ONE_WORKER = ("--concurrency", "1", "--use-dynamic-base-id", "-l", "error")


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
            value=ratio,
            less_is_better=False,
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
        edge=free_port(),
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
