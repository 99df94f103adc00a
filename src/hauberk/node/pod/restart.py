"""Whether and when a unit that ended starts again, and what a failed start means. Pure."""

from __future__ import annotations

from dataclasses import replace

from hauberk.kinds.core.container import Container

from .backoff import BackOff, spoken
from .layout import Layout
from .model import PROXY, Ended, NotStarted, Unit
from .spec import Pod, is_sidecar

IMAGE_REASONS = frozenset(
    {"ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "ImagePullBackOff"}
)
CONFIG_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError"})
CONFIG_RETRY_S = 10.0  # kubelet's pod worker back-off period
SPOKEN_S = 1.0  # how long ErrImagePull and RunContainerError are shown before their back-off is


def restarts(pod: Pod, container: Container, ended: Ended) -> bool:
    """Whether a container starts again after it ended.

    | container          | policy    | exit code 0 | other |
    |--------------------|-----------|-------------|-------|
    | restartable init   | any       | yes         | yes   |
    | init               | Never     | no          | no    |
    | init               | otherwise | no          | yes   |
    | regular            | Always    | yes         | yes   |
    | regular            | OnFailure | no          | yes   |
    | regular            | Never     | no          | no    |

    Source: kubernetes pkg/kubelet/container/helpers.go, ShouldContainerBeRestarted.
    """
    if is_sidecar(container):
        return True
    policy = pod.restart_policy
    if policy == "Always" and not pod.is_init(container.name):
        return True
    return policy != "Never" and ended.code != 0


def unit_restarts(pod: Pod, layout: Layout, name: str, ended: Ended) -> bool:
    """The same for a unit: the Envoy restarts when any of its containers would."""
    members = members_of(pod, layout, name)
    return any(restarts(pod, c, ended) for c in members)


def members_of(pod: Pod, layout: Layout, name: str) -> list[Container]:
    """The containers that a unit stands for."""
    return [c for c in pod.all_containers() if layout.unit_of(c.name) == name]


def due(unit: Unit) -> float:
    """When a unit that ended may start again (epoch s); a failed start is shown for a moment first."""
    at = unit.ended.finished_at if unit.ended else 0.0
    again = BackOff(unit.delay_s, unit.delay_since).until(at)
    return max(again, at + SPOKEN_S) if unit.reason == "RunContainerError" else again


def begun(unit: Unit, now: float) -> Unit:
    """The unit with its next attempt under way: the same attempt if it never ran, else the next one."""
    if unit.step == "waiting" or unit.ended is None:
        return replace(unit, step="starting", reason="", message="", stop=None)
    back = BackOff(unit.delay_s, unit.delay_since).lengthened(unit.ended.finished_at, now)
    return replace(
        unit,
        step="starting",
        attempt=unit.attempt + 1,
        last=unit.ended,
        ended=None,
        reason="",
        message="",
        stop=None,
        drain="none",
        started_at=None,
        delay_s=back.delay_s,
        delay_since=back.since,
    )


def crash_loop_message(pod: Pod, name: str, delay_s: float) -> str:
    """The kubelet's words for a container in back-off."""
    shown = "envoy" if name == PROXY else name
    who = f"{pod.name}_{pod.namespace}({pod.uid})"
    return f"back-off {spoken(delay_s)} restarting failed container={shown} pod={who}"


def not_started(unit: Unit, event: NotStarted, now: float) -> Unit:
    """The unit after a start that failed.

    | reason                   | becomes                              | again                |
    |--------------------------|--------------------------------------|----------------------|
    | of the image             | waiting, same attempt                | image back-off       |
    | of the configuration     | waiting, same attempt                | 10 s, or on a change |
    | anything else (the exec) | an attempt that ended with that code | restart back-off     |
    """
    if event.reason in IMAGE_REASONS:
        back = BackOff(unit.pull_delay_s, unit.pull_since).lengthened(now, now)
        return replace(
            unit,
            step="waiting",
            reason=event.reason,
            message=event.message,
            retry_at=now + back.delay_s,
            pull_delay_s=back.delay_s,
            pull_since=now,
        )
    if event.reason in CONFIG_REASONS:
        return replace(
            unit, step="waiting", reason=event.reason, message=event.message, retry_at=now + CONFIG_RETRY_S
        )
    ended = Ended(
        code=event.code,
        finished_at=now,
        reason="StartError",
        message=event.message,
        container_id=unit.container_id,
    )
    return replace(
        unit,
        step="exited",
        ended=ended,
        reason="RunContainerError",
        message=event.message,
        image_id=event.image_id or unit.image_id,
    )
