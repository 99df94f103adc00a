"""metrics.k8s.io: PodMetrics and NodeMetrics, measured when asked for.

Source: k8s.io/metrics pkg/apis/metrics/v1beta1/types.go; metrics-server pkg/api/{pod,node}.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.apiserver import refuse
from hauberk.apiserver.http import Answer, HttpRequest, NotBuilt, json_answer
from hauberk.apiserver.reading import selection
from hauberk.apiserver.target import Target
from hauberk.base.refs import Json, labels_of
from hauberk.base.times import rfc3339
from hauberk.ports import Measured, Meter, Snapshot


async def metrics(request: HttpRequest, target: Target, snapshot: Snapshot, meter: Meter | None) -> Answer:
    """One object or a list. NotFound, NotBuilt where nothing runs."""
    if meter is None:
        raise NotBuilt("this API server has no node whose use it could measure")
    found = await meter.measure()
    make = pod_metrics if target.kind.namespaced else node_metrics
    test = selection(request, target)
    items = [o for o in make(snapshot, found, target) if test is None or test(o)]
    if not target.name:
        head = {"kind": target.kind.name + "List", "apiVersion": target.api_version, "metadata": {}}
        return json_answer({**head, "items": items})
    for item in items:
        if item["metadata"]["name"] == target.name:
            return json_answer(item)
    raise refuse.not_found(target.kind, target.name)


def pod_metrics(snapshot: Snapshot, found: Measured, target: Target) -> Iterator[dict[str, Any]]:
    """A row for each pod that runs. Pure."""
    for pod in snapshot.list("Pod", target.namespace or None):
        used = found.pods.get(pod["metadata"]["uid"])
        if used:
            rows = [{"name": name, "usage": amounts(*u)} for name, u in sorted(used.items())]
            yield {**_head(pod, found, target), "containers": rows}


def node_metrics(snapshot: Snapshot, found: Measured, target: Target) -> Iterator[dict[str, Any]]:
    """A row for each node. Pure."""
    for node in snapshot.list("Node"):
        used = found.nodes.get(node["metadata"]["name"])
        if used:
            yield {**_head(node, found, target), "usage": amounts(*used)}


def _head(about: Json, found: Measured, target: Target) -> dict[str, Any]:
    place = {key: about["metadata"][key] for key in ("name", "namespace") if key in about["metadata"]}
    labels = labels_of(about)
    meta = {**place, "creationTimestamp": rfc3339(found.at), **({"labels": labels} if labels else {})}
    return {
        "kind": target.kind.name,
        "apiVersion": target.api_version,
        "metadata": meta,
        "timestamp": rfc3339(found.at),
        "window": f"{found.window_s:.3f}s",
    }


def amounts(cores: float, size: float) -> dict[str, str]:
    """Quantities as metrics-server writes them: nanocores and KiB. Pure."""
    return {"cpu": f"{round(cores * 1e9)}n" if cores else "0", "memory": f"{round(size / 1024)}Ki"}
