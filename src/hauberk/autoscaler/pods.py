"""Which pods a revision has, and how to reach them. Pure projections of the snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, annotations_of, is_deleting
from hauberk.ports import Snapshot

L_REVISION = "serving.knative.dev/revision"
SYSTEM = "knative-serving"
METRICS_PORT = 9090
PROXY = "istio-proxy"


@dataclass(frozen=True, slots=True)
class Counts:
    """Pods by state."""

    ready: int = 0
    not_ready: int = 0
    terminating: int = 0


def pods_of(snapshot: Snapshot, namespace: str, revision: str) -> list[Json]:
    """All pods of a revision."""
    return list(snapshot.list("Pod", namespace, {L_REVISION: revision}))


def is_ready(pod: Json) -> bool:
    """Whether the pod may get requests."""
    row = condition(pod, "Ready")
    return row is not None and row["status"] == "True" and not is_deleting(pod)


def count(pods: Iterable[Json]) -> Counts:
    """Pods by state; those that ended do not count."""
    ready = waiting = ending = 0
    for pod in pods:
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        if is_deleting(pod):
            ending += 1
        elif is_ready(pod):
            ready += 1
        else:
            waiting += 1
    return Counts(ready, waiting, ending)


def autoscaler_pod(snapshot: Snapshot) -> Json | None:
    """The pod as which the autoscaler speaks: a ready one of its Deployment."""
    pods = snapshot.list("Pod", SYSTEM, {"app": "autoscaler"})
    return next((p for p in sorted(pods, key=lambda p: p["metadata"]["name"]) if is_ready(p)), None)


def wants_mtls(pod: Json) -> bool:
    """Whether the metrics port is behind the pod's mesh proxy."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    if not any(c.get("name") == PROXY for c in containers):
        return False
    excluded = annotations_of(pod).get("traffic.sidecar.istio.io/excludeInboundPorts", "")
    return str(METRICS_PORT) not in (p.strip() for p in excluded.split(","))
