"""A cluster's start, the document applied, and what the idle cluster takes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench import stage
from bench.model import Figure, percentile, spread
from hauberk.base.progress import Quiet
from hauberk.demo.run import apply_document, make_certificates


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
            value=percentile(warm, 0.5),
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
            value=percentile(took, 0.5),
            method="first kubectl to the Ready of the Knative service, each on a fresh cluster",
        ),
        Figure(
            what="whole idle cluster with the document applied, PSS",
            measured=f"{memory['pssBytes'] / 1e6:.0f} MB ({parts})",
            must="≤ 600 MB",
            reached=memory["pssBytes"] <= 600e6,
            value=memory["pssBytes"],
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
