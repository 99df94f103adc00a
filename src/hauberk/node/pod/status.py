"""The PodStatus that a pod's state amounts to. Pure.

Source: kubernetes pkg/kubelet/kubelet_pods.go, convertToAPIContainerStatuses and generateAPIPodStatus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.conditions import with_times
from hauberk.base.refs import Json
from hauberk.kinds.core.container import Container

from .conditions import conditions_of, phase_of
from .layout import Layout
from .model import PodState, Unit
from .pull import proxy_image_id
from .restart import unit_restarts
from .spec import Pod, is_sidecar, qos_class
from .times import stamp, terminated_of


def status_of(
    pod: Pod, layout: Layout, state: PodState, now: float, *, host_ip: str, before: Json | None
) -> dict[str, Any]:
    """The whole status. Transition times are kept from the status `before`."""
    statuses = {c.name: _container(pod, layout, state, c) for c in pod.all_containers()}
    phase = phase_of(pod, state, statuses)
    wanted = conditions_of(pod, state, phase, statuses)
    for row in wanted:
        row["lastProbeTime"] = None
    stored = (before or {}).get("conditions") or ()
    status: dict[str, Any] = {
        "phase": phase,
        "conditions": with_times(wanted, stored, stamp(now)),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": stamp(state.first_seen),
        "qosClass": qos_class(pod.spec),
        "containerStatuses": [statuses[c.name] for c in pod.spec.containers],
    }
    if pod.spec.init_containers:
        status["initContainerStatuses"] = [statuses[c.name] for c in pod.spec.init_containers]
    if state.ip:
        status |= {"podIP": state.ip, "podIPs": [{"ip": state.ip}]}
    if state.failed:
        status["reason"], status["message"] = state.failed
    return status


def _container(pod: Pod, layout: Layout, state: PodState, container: Container) -> dict[str, Any]:
    unit = state.unit(layout.unit_of(container.name))
    health = state.of(container.name)
    now_state, last_state = _states(pod, layout, state, container, unit)
    running = "running" in now_state
    leaving = state.ending_since is not None or unit.stop is not None
    row: dict[str, Any] = {
        "name": container.name,
        "image": container.image,
        "imageID": unit.image_id,
        "ready": running and health.ready and not leaving,
        "started": running and health.started,
        "restartCount": unit.attempt,
        "state": now_state,
        "lastState": last_state,
    }
    if pod.is_init(container.name) and not is_sidecar(container):
        # An init container is ready when it has done its work.
        row["ready"] = now_state.get("terminated", {}).get("exitCode") == 0
        row["started"] = running
    if container.name in layout.roles and unit.image_id:
        row["imageID"] = proxy_image_id(container.image)  # the Envoy's other containers have other images
    if unit.container_id:
        row["containerID"] = unit.container_id
    return row


def _states(
    pod: Pod, layout: Layout, state: PodState, container: Container, unit: Unit
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`state` and `lastState`.

    | unit     | because                                  | state                | lastState       |
    |----------|------------------------------------------|----------------------|-----------------|
    | running  |                                          | running              | the run before  |
    | exited   | stays so, or no back-off yet             | terminated           | the run before  |
    | exited   | CrashLoopBackOff, RunContainerError      | waiting, that reason | this run        |
    | starting | first time, sandbox or volumes missing   | waiting              | -               |
    | starting | again                                    | terminated, if known | the run before  |
    | waiting  | an image or configuration reason         | waiting, that reason | the run before  |
    | waiting  | not its turn: init containers before it  | PodInitializing      | -               |
    | waiting  | not its turn otherwise                   | ContainerCreating    | -               |
    """
    last = {"terminated": terminated_of(unit.last)} if unit.last else {}
    if unit.step == "running":
        return {"running": {"startedAt": stamp(unit.started_at)}}, last
    if unit.step == "exited" and unit.ended is not None:
        ended = {"terminated": terminated_of(unit.ended)}
        again = not state.over and state.ending_since is None
        again = again and unit_restarts(pod, layout, layout.unit_of(container.name), unit.ended)
        if unit.reason and again:
            return {"waiting": _waiting(unit.reason, unit.message)}, ended
        return ended, last
    if unit.reason:
        return {"waiting": _waiting(unit.reason, unit.message)}, last
    return {"waiting": _waiting(_not_yet(pod, state), "")}, last


def _waiting(reason: str, message: str) -> dict[str, str]:
    return {"reason": reason, "message": message} if message else {"reason": reason}


def _not_yet(pod: Pod, state: PodState) -> str:
    """PodInitializing while the pod has init containers that are not done, else ContainerCreating."""
    return "PodInitializing" if pod.spec.init_containers and not state.initialized else "ContainerCreating"


def differs(new: Mapping[str, Any], stored: Json | None) -> bool:
    """Whether the status says anything that is not stored yet."""
    have = stored or {}
    return any(
        have.get(key) != value for key, value in new.items() if key != "conditions"
    ) or _conditions_differ(new["conditions"], have.get("conditions") or ())


def _conditions_differ(new: Any, stored: Any) -> bool:
    known = {row.get("type"): row for row in stored}
    said = ("status", "reason", "message")
    return any(
        row["type"] not in known or any(row.get(k) != known[row["type"]].get(k) for k in said) for row in new
    )
