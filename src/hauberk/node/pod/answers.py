"""What an answer of the world means for a pod's state. Pure; the other half of `machine`."""

from __future__ import annotations

from dataclasses import replace

from .layout import Layout
from .model import (
    PROXY,
    Cleaned,
    Deleted,
    Drained,
    Ended,
    Event,
    Exited,
    Health,
    HookDone,
    Mounted,
    MountFailed,
    NotStarted,
    PodState,
    Probed,
    SandboxFailed,
    SandboxMade,
    Say,
    SourceChanged,
    Started,
    Step,
    Stop,
    Vanished,
)
from .restart import CONFIG_REASONS, not_started
from .spec import Pod
from .turn import Turn

SANDBOX_RETRY_S = 1.0
MOUNT_RETRY_S = 10.0
CLEAN_RETRY_S = 1.0


def after(pod: Pod, layout: Layout, state: PodState, event: Event, now: float) -> Step:
    """The state after an answer, and the events to tell. An answer about an older attempt changes nothing."""
    turn = Turn(pod, layout, state, now)
    match event:
        case SandboxMade() | SandboxFailed() | Mounted() | MountFailed():
            _of_ground(turn, event)
        case SourceChanged():
            _retry_now(turn)
        case Vanished():
            turn.set(vanished=True)
        case Cleaned(ok):
            turn.set(sandbox="removed" if ok else "ready", sandbox_retry_at=0 if ok else now + CLEAN_RETRY_S)
        case Deleted(ok):
            turn.set(forgotten=ok)
        case Started() | NotStarted() | Exited() | Drained():
            _of_unit(turn, event)
        case HookDone() | Probed():
            _of_container(turn, event)
    return turn.done()


def _of_ground(turn: Turn, event: SandboxMade | SandboxFailed | Mounted | MountFailed) -> None:
    """Answers about what every container stands on."""
    match event:
        case SandboxMade(ip):
            turn.set(sandbox="ready", ip=ip)
        case SandboxFailed(message):
            turn.set(sandbox="none", sandbox_retry_at=turn.now + SANDBOX_RETRY_S)
            turn.do(Say("FailedCreatePodSandBox", f"Failed to create pod sandbox: {message}", warning=True))
        case Mounted():
            turn.set(volumes="ready")
        case MountFailed(messages):
            turn.set(volumes="none", volumes_retry_at=turn.now + MOUNT_RETRY_S)
            for message in messages:
                turn.do(Say("FailedMount", message, warning=True))


def _retry_now(turn: Turn) -> None:
    if turn.state.volumes == "none":
        turn.set(volumes_retry_at=0.0)
    for name, unit in turn.state.units.items():
        if unit.step == "waiting" and unit.reason in CONFIG_REASONS:
            turn.put(name, replace(unit, retry_at=turn.now))


def _of_unit(turn: Turn, event: Started | NotStarted | Exited | Drained) -> None:
    match event:
        case Started():
            _started(turn, event)
        case Exited():
            _exited(turn, event)
        case NotStarted():
            unit = turn.state.unit(event.unit)
            if unit.step == "starting" and unit.attempt == event.attempt:
                turn.put(event.unit, not_started(unit, event, turn.now))
        case Drained(attempt):
            unit = turn.state.unit(PROXY)
            if unit.attempt == attempt and unit.drain == "running":
                turn.put(PROXY, replace(unit, drain="done"))


def _started(turn: Turn, event: Started) -> None:
    unit = turn.state.unit(event.unit)
    if unit.attempt != event.attempt:
        return
    known = replace(unit, container_id=event.container_id, image_id=event.image_id, started_at=event.at)
    if unit.step == "starting":
        turn.put(event.unit, replace(known, step="running", pull_delay_s=0.0))
        _fresh_health(turn, event.unit)
    elif unit.step == "exited" and unit.ended is not None and unit.started_at is None:
        # The process was quicker than the answer to its start.
        ended = replace(unit.ended, started_at=event.at, container_id=event.container_id)
        turn.put(event.unit, replace(known, ended=ended))


def _exited(turn: Turn, event: Exited) -> None:
    unit = turn.state.unit(event.unit)
    if unit.attempt != event.attempt or unit.step not in ("running", "starting"):
        return
    reason = "OOMKilled" if event.oom else "Completed" if event.code == 0 else "Error"
    ended = Ended(
        code=event.code,
        finished_at=event.at,
        started_at=unit.started_at,
        reason=reason,
        message=event.message,
        signal=event.signal,
        container_id=unit.container_id,
    )
    turn.put(event.unit, replace(unit, step="exited", ended=ended, stop=None, reason="", message=""))
    _fresh_health(turn, event.unit)


def _fresh_health(turn: Turn, unit: str) -> None:
    for container in turn.pod.all_containers():
        if turn.layout.unit_of(container.name) == unit:
            turn.put_health(container.name, Health(hooked=turn.state.of(container.name).hooked))


def _of_container(turn: Turn, event: HookDone | Probed) -> None:
    name = turn.layout.unit_of(event.container)
    unit = turn.state.unit(name)
    if unit.attempt != event.attempt or unit.step != "running":
        return
    match event:
        case HookDone(kind="preStop"):
            if not event.ok:
                turn.do(Say("FailedPreStopHook", event.message, warning=True))
            if unit.stop is not None and unit.stop.hook == "running":
                turn.put(name, replace(unit, stop=replace(unit.stop, hook="done")))
        case HookDone():
            if event.ok:
                health = turn.state.of(event.container)
                turn.put_health(event.container, replace(health, hook="done", hooked=True))
            else:
                turn.do(Say("FailedPostStartHook", event.message, warning=True))
                _kill(turn, event.container, "FailedPostStartHook", None)
        case Probed():
            _probed(turn, event)


def _probed(turn: Turn, event: Probed) -> None:
    health = turn.state.of(event.container)
    if event.kind == "readiness":
        turn.put_health(event.container, replace(health, ready=event.ok))
    elif event.ok:
        if event.kind == "startup":
            turn.put_health(event.container, replace(health, started=True))
    else:
        said = f"Container {event.container} failed {event.kind} probe, will be restarted"
        _kill(turn, event.container, said, event.grace_s)


def _kill(turn: Turn, container: str, said: str, grace_s: float | None) -> None:
    """Begin to stop one unit that the pod goes on without."""
    name = turn.layout.unit_of(container)
    unit = turn.state.unit(name)
    if unit.stop is not None:
        return
    grace = turn.pod.grace_s if grace_s is None else grace_s
    turn.put(name, replace(unit, stop=Stop(since=turn.now, deadline=turn.now + grace)))
    turn.put_health(container, replace(turn.state.of(container), ready=False))
    turn.do(Say("Killing", said))
