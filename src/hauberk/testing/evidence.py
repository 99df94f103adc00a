"""What a cluster says about itself when a test on it failed: for the reader of the test's report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from hauberk.base.problems import Problem
from hauberk.testing.cluster import Cluster

_LINES = 25
_LOG_BYTES = 200_000


def evidence(cluster: Cluster) -> str:
    """Proxies, pods, refused rules, warnings and the control plane's complaints; never raises."""
    parts: tuple[tuple[str, Callable[[Cluster], Iterator[str]]], ...] = (
        ("proxies", _proxies),
        ("pods", _pods),
        ("rules", _rules),
        ("warnings", _warnings),
        ("control plane", _complaints),
    )
    out = []
    for title, lines in parts:
        try:
            found = list(lines(cluster))[-_LINES:]
        except (Problem, OSError, KeyError, ValueError) as error:
            found = [f"not to be had: {error}"]
        out += [f"-- {title}", *found]
    return "\n".join(out)


def _proxies(cluster: Cluster) -> Iterator[str]:
    yield json.dumps(cluster.status()["proxies"])


def _pods(cluster: Cluster) -> Iterator[str]:
    yield from cluster.must("get", "pods", "-A", "-o", "wide", "--no-headers").splitlines()


def _rules(cluster: Cluster) -> Iterator[str]:
    kinds = ("gateways", "virtualservices", "destinationrules")
    for obj in cluster.json(",".join(f"{kind}.networking.istio.io" for kind in kinds), "-A")["items"]:
        for row in (obj.get("status") or {}).get("conditions") or ():
            if row["status"] != "True":
                name = f"{obj['kind']} {obj['metadata']['namespace']}/{obj['metadata']['name']}"
                yield f"{name}: {row['reason']}: {row['message']}"


def _warnings(cluster: Cluster) -> Iterator[str]:
    rows = cluster.json("events", "-A", "--field-selector=type=Warning")["items"]
    for row in rows:
        about = row["involvedObject"]
        name = f"{about['kind']} {about.get('namespace', '')}/{about['name']}"
        yield f"{name}: {row['reason']}: {row['message']}"


def _complaints(cluster: Cluster) -> Iterator[str]:
    log = cluster.options.paths.logs / "control-plane.log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_BYTES))
        text = file.read().decode(errors="replace")
    return (line for line in text.splitlines() if " WARNING " in line or " ERROR " in line)
