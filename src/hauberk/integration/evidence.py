"""Fetching what says why an object is not ready: conditions, pods, logs, events, the operator itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hauberk.base.apierrors import ApiError
from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration.causes import (
    MOST_LINES,
    MOST_PODS,
    OPERATORS,
    Evidence,
    containers_not_ready,
    is_unready,
)
from hauberk.integration.readiness import is_silent
from hauberk.integration.stages import Ready
from hauberk.kubeclient import Kube


async def fetch_evidence(kube: Kube, wanted: Ready, obj: Json | None) -> Evidence:
    """What the cluster shows about it; what may not be read is left out."""
    ref = wanted.ref
    namespaces = _namespaces(ref, obj)
    pods = [pod for ns in namespaces for pod in await _list(kube, "Pod", ns) if is_unready(pod)]
    events = [event for ns in namespaces for event in await _list(kube, "Event", ns)]
    logs = {}
    for pod in pods[:MOST_PODS]:
        logs[pod["metadata"]["name"]] = await _logs(kube, pod)
    operators = await _operators(kube, ref) if is_silent(obj) else None
    return Evidence(obj=obj, pods=pods, events=_warnings(events), logs=logs, operators=operators)


def _namespaces(ref: Ref, obj: Json | None) -> tuple[str, ...]:
    """Where its workloads run: its own namespace, or that of its spec."""
    told = ((obj or {}).get("spec") or {}).get("namespace", "")
    found = ref.name if ref.kind == "Namespace" else ref.namespace
    return tuple(dict.fromkeys(ns for ns in (found, told) if ns))


def _warnings(events: Iterable[Json]) -> Sequence[Json]:
    told = [e for e in events if e.get("type") == "Warning"]
    return sorted(told, key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime") or ""))


async def _list(kube: Kube, kind: str, namespace: str) -> Sequence[Json]:
    try:
        return await kube.list(kind, namespace)
    except (ApiError, Problem):
        return ()


async def _logs(kube: Kube, pod: Json) -> str:
    lines = []
    for name, _ in containers_not_ready(pod):
        restarted = any(
            row["name"] == name and (row.get("state") or {}).get("waiting") and row.get("restartCount")
            for row in _statuses(pod)
        )
        try:
            text = await kube.logs(ref_of(pod), name, MOST_LINES, previous=restarted)
        except (ApiError, Problem):
            continue
        lines += [f"{name}: {line}" for line in text.splitlines()]
    return "\n".join(lines)


def _statuses(pod: Json) -> Sequence[Json]:
    found: Sequence[Json] = (pod.get("status") or {}).get("containerStatuses") or ()
    return found


async def _operators(kube: Kube, ref: Ref) -> Sequence[Json] | None:
    row = OPERATORS.get(ref.kind.partition(".")[2])
    if row is None:
        return None
    try:
        deployments = await kube.list("Deployment.apps")
    except (ApiError, Problem):
        return None
    return [d for d in deployments if d["metadata"]["name"] in row[1]]
