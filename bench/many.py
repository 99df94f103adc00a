"""A thousand Knative services."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench import stage
from bench.model import Figure

SERVICES = 1000
READY_S, PSS = 60.0, 700e6


def many() -> Sequence[Figure]:
    """A thousand services scaled to zero: until all are Ready, and what the cluster then takes."""
    with stage.documented() as cluster:
        stage.patch_serving(cluster, {"autoscaler": {"allow-zero-initial-scale": "true"}})
        stage.wait_for_no_pods(cluster, "hello", within_s=240)
        began = time.monotonic()
        stage.apply_at_zero(cluster, [f"many-{i:04d}" for i in range(SERVICES)], within_s=600)
        took = time.monotonic() - began
        time.sleep(10)  # what is idle frees what it no longer needs
        memory = cluster.status()["memory"]
    parts = ", ".join(f"{k} {v / 1e6:.0f}" for k, v in memory["byPart"].items())
    return [
        Figure(
            what=f"{SERVICES:,} Knative services scaled to zero: time to all Ready",
            measured=f"{took:.0f} s",
            must=f"≤ {READY_S:.0f} s",
            reached=took <= READY_S,
            value=took,
            method="one `kubectl create` of all to the last one's Ready, looked at every second; "
            'in the mesh, with passthrough Routes, `initial-scale: "0"`: no pod is started',
        ),
        Figure(
            what=f"whole cluster with {SERVICES:,} Knative services scaled to zero, PSS",
            measured=f"{memory['pssBytes'] / 1e6:.0f} MB ({parts})",
            must=f"≤ {PSS / 1e6:.0f} MB",
            reached=memory["pssBytes"] <= PSS,
            value=memory["pssBytes"],
            method="sum of Pss in smaps_rollup of every process of the cluster",
            peer="Red Hat's components alone: 1,960 MiB",
        ),
    ]
