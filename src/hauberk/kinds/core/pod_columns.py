"""What `kubectl get pods` shows: READY, STATUS and RESTARTS from the statuses of the containers.

Source: kubernetes pkg/printers/internalversion/printers.go, printPod.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json
from hauberk.base.times import age, epoch
from hauberk.kinds.meta import Column


@dataclass(frozen=True, slots=True)
class Shown:
    """A pod in one line."""

    ready: int
    total: int
    status: str
    restarts: int
    restarted_at: str  # RFC 3339, or empty


def shown(pod: Json) -> Shown:
    """Fold the statuses of a pod into its line."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    inits: Sequence[Json] = spec.get("initContainers") or ()
    sidecars = {c["name"] for c in inits if c.get("restartPolicy") == "Always"}
    phase = status.get("phase") or ""
    init_rows: Sequence[Json] = status.get("initContainerStatuses") or ()
    reason = _gated(status) or status.get("reason") or phase or "Unknown"
    held, up = _initializing(init_rows, sidecars, len(inits))
    rows = list(init_rows)
    if held and not is_true(pod, "Initialized"):
        reason = held
    else:
        rows = [r for r in init_rows if r["name"] in sidecars] + list(status.get("containerStatuses") or ())
        reason, running = _main_reason(status.get("containerStatuses") or (), reason)
        up += running
        if reason == "Completed" and running:
            reason = "Running" if is_true(pod, "Ready") else "NotReady"
    if pod["metadata"].get("deletionTimestamp") and phase not in ("Succeeded", "Failed"):
        reason = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    total = len(spec.get("containers") or ()) + len(sidecars)
    return Shown(up, total, reason, sum(r.get("restartCount", 0) for r in rows), _last_end(rows))


def _gated(status: Json) -> str:
    for row in status.get("conditions") or ():
        if row.get("type") == "PodScheduled" and row.get("reason") == "SchedulingGated":
            return "SchedulingGated"
    return ""


def _initializing(rows: Sequence[Json], sidecars: set[str], count: int) -> tuple[str, int]:
    """`Init:…` when an init container holds the pod up, else empty; and the ready sidecars so far."""
    ready = 0
    for i, row in enumerate(rows):
        state = row.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting")
        if ended and ended.get("exitCode") == 0:
            continue
        if row["name"] in sidecars and row.get("started"):
            ready += bool(row.get("ready"))
            continue
        if ended:
            return f"Init:{_end(ended)}", ready
        if waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}", ready
        return f"Init:{i}/{count}", ready
    return "", ready


def _end(ended: Json) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _main_reason(rows: Sequence[Json], reason: str) -> tuple[str, int]:
    """The reason of the first container that has one, and how many run and are ready."""
    running = 0
    for row in reversed(rows):
        state = row.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            reason = _end(state["terminated"])
        elif row.get("ready") and state.get("running") is not None:
            running += 1
    return reason, running


def _last_end(rows: Iterable[Json]) -> str:
    ends = [((r.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or "" for r in rows]
    return max(ends, default="")


def _ready(pod: Json, _now: float) -> str:
    line = shown(pod)
    return f"{line.ready}/{line.total}"


def _status(pod: Json, _now: float) -> str:
    return shown(pod).status


def _restarts(pod: Json, now: float) -> str:
    line = shown(pod)
    if not line.restarts or not line.restarted_at:
        return str(line.restarts)
    return f"{line.restarts} ({age(now - epoch(line.restarted_at))} ago)"


def _field(section: str, key: str) -> Callable[[Json, float], object]:
    def read(pod: Json, _now: float) -> str:
        return (pod.get(section) or {}).get(key) or "<none>"

    return read


def _gates(pod: Json, _now: float) -> str:
    gates = (pod.get("spec") or {}).get("readinessGates") or ()
    if not gates:
        return "<none>"
    true = sum(is_true(pod, gate.get("conditionType", "")) for gate in gates)
    return f"{true}/{len(gates)}"


COLUMNS = (
    Column("Ready", _ready, description="Containers that pass their readiness check, of all."),
    Column("Status", _status, description="The aggregate state of the containers in this pod."),
    Column("Restarts", _restarts, description="Restarts of the containers, and when the last one was."),
    Column("Age", ".metadata.creationTimestamp", "date"),
    Column("IP", _field("status", "podIP"), wide=True),
    Column("Node", _field("spec", "nodeName"), wide=True),
    Column("Nominated Node", _field("status", "nominatedNodeName"), wide=True),
    Column("Readiness Gates", _gates, wide=True),
)
