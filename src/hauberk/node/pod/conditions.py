"""Phase and conditions of a pod, from its containers' statuses. Pure.

Source: kubernetes pkg/kubelet/kubelet_pods.go, getPhase; pkg/kubelet/status/generate.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hauberk.base.conditions import condition
from hauberk.base.refs import Json

from .model import PodState
from .restart import restarts
from .spec import Pod, is_sidecar
from .times import ended_of


def phase_of(pod: Pod, state: PodState, statuses: Mapping[str, Json]) -> str:
    """The phase.

    | init containers                     | containers                          | phase     |
    |-------------------------------------|-------------------------------------|-----------|
    | one failed for good                 | -                                   | Failed    |
    | one has not done its work           | -                                   | Pending   |
    | done                                | one never ran                       | Pending   |
    | done                                | one runs or will run again          | Running   |
    | done                                | all ended for good, all with 0      | Succeeded |
    | done                                | all ended for good                  | Failed    |
    """
    if state.over:
        return state.over
    if any(_pending_init(pod, c.name, statuses) for c in pod.spec.init_containers) and not state.initialized:
        return "Pending"
    rows = [statuses.get(c.name, {}) for c in pod.spec.containers]
    if any(not _ever_ran(row) for row in rows):
        return "Pending"
    if any("terminated" not in row["state"] for row in rows):
        return "Running"
    if state.ending_since is None and any(_again(pod, row) for row in rows):
        return "Running"
    codes = [row["state"]["terminated"]["exitCode"] for row in rows]
    return "Failed" if any(codes) else "Succeeded"


def _pending_init(pod: Pod, name: str, statuses: Mapping[str, Json]) -> bool:
    row = statuses.get(name, {})
    container = pod.container(name)
    if container is not None and is_sidecar(container):
        return not row.get("started")
    terminated = (row.get("state") or {}).get("terminated")
    return not (terminated and terminated["exitCode"] == 0)


def _ever_ran(row: Json) -> bool:
    state = row.get("state") or {}
    return "running" in state or "terminated" in state or "terminated" in (row.get("lastState") or {})


def _again(pod: Pod, row: Json) -> bool:
    container = pod.container(row["name"])
    ended = ended_of(row["state"].get("terminated"))
    return container is not None and ended is not None and restarts(pod, container, ended)


def conditions_of(
    pod: Pod, state: PodState, phase: str, statuses: Mapping[str, Json]
) -> list[dict[str, Any]]:
    """All conditions the node owns, in upstream's order, without times."""
    containers = _containers_ready(pod, phase, statuses)
    running_sandbox = state.sandbox == "ready"
    return [
        {"type": "PodReadyToStartContainers", "status": "True" if running_sandbox else "False"},
        {"type": "Initialized", **_initialized(pod, state, phase, statuses)},
        {"type": "Ready", **_ready(pod, containers)},
        {"type": "ContainersReady", **containers},
        {"type": "PodScheduled", "status": "True"},
    ]


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"


def _over(phase: str) -> dict[str, str] | None:
    reason = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase)
    return {"status": "False", "reason": reason} if reason else None


def _containers_ready(pod: Pod, phase: str, statuses: Mapping[str, Json]) -> dict[str, str]:
    over = _over(phase)
    if over is not None:
        return over
    counted = [c.name for c in pod.spec.init_containers if is_sidecar(c)]
    counted += [c.name for c in pod.spec.containers]
    unready = [name for name in counted if not statuses.get(name, {}).get("ready")]
    if not unready:
        return {"status": "True"}
    message = f"containers with unready status: {_listed(unready)}"
    return {"status": "False", "reason": "ContainersNotReady", "message": message}


def _ready(pod: Pod, containers: dict[str, str]) -> dict[str, str]:
    if containers["status"] != "True":
        return containers
    problems = []
    for gate in pod.spec.readiness_gates:
        kind = str(gate.get("conditionType", ""))
        row = condition(pod.raw, kind)
        if row is None:
            problems.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif row.get("status") != "True":
            said = row.get("status")
            problems.append(f'the status of pod readiness gate "{kind}" is not "True", but {said}')
    if problems:
        return {"status": "False", "reason": "ReadinessGatesNotReady", "message": ", ".join(problems)}
    return {"status": "True"}


def _initialized(pod: Pod, state: PodState, phase: str, statuses: Mapping[str, Json]) -> dict[str, str]:
    if phase == "Succeeded":
        return {"status": "True", "reason": "PodCompleted"}
    waiting = [c.name for c in pod.spec.init_containers if _pending_init(pod, c.name, statuses)]
    if not waiting or state.initialized:
        return {"status": "True"}
    message = f"containers with incomplete status: {_listed(waiting)}"
    return {"status": "False", "reason": "ContainersNotInitialized", "message": message}
