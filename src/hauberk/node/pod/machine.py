"""What one pod does next. Pure: (pod, layout, state, now) → (state, actions, when to look again).

The worker calls `step` until it asks for nothing more, carries the actions out, and hands every answer to
`after`. Everything asked for is marked in the state as under way, so nothing is ever asked for twice.
Guarantees, tested as properties: at most one process of a unit at a time; a pod that ends reaches
`forgotten` whatever fails.
"""

from __future__ import annotations

from dataclasses import replace

from hauberk.kinds.core.container import Container

from .fall import fall, stop_unit
from .layout import Layout, readiness_of
from .model import (
    PROXY,
    Health,
    MakeSandbox,
    MountVolumes,
    PodState,
    ProbeKind,
    RunHook,
    Say,
    StartUnit,
    Step,
    Unit,
)
from .restart import (
    SPOKEN_S,
    begun,
    crash_loop_message,
    due,
    members_of,
    restarts,
    unit_restarts,
)
from .spec import Pod, is_sidecar
from .turn import Turn

HOOK_LIMIT_S = 3600.0  # a postStart hook has no limit upstream; a lost answer must not hang a pod for ever


def step(pod: Pod, layout: Layout, state: PodState, now: float) -> Step:
    """Decide what happens now."""
    turn = Turn(pod, layout, state, now)
    if state.forgotten:
        return turn.done()
    _note_end(turn)
    _settle(turn)
    if turn.state.ending_since is None and not turn.state.over:
        _rise(turn)
        _note_over(turn)
    if turn.state.ending_since is not None or turn.state.over:
        fall(turn)
    return turn.done()


def _note_end(turn: Turn) -> None:
    """Begin the end: the object asks for it, vanished, or is past its deadline. A shorter grace counts."""
    pod, state, now = turn.pod, turn.state, turn.now
    if pod.deleting or state.vanished:
        by = now + (pod.grace_s if pod.deleting or not state.vanished else 1.0)
        if state.ending_since is None:
            turn.set(ending_since=now, ending_by=by)
        elif by < state.ending_by:
            turn.set(ending_by=by)
        return
    limit = pod.spec.active_deadline_seconds
    if limit is None or state.over or not state.first_seen:
        return
    if now >= state.first_seen + limit:
        turn.set(
            over="Failed",
            failed=("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"),
        )
    else:
        turn.wake(state.first_seen + limit)


def _settle(turn: Turn) -> None:
    """Run postStart hooks and derive `started` and `ready` of containers that have no probe for it."""
    for container in turn.pod.all_containers():
        unit = turn.state.unit(turn.layout.unit_of(container.name))
        if unit.step == "running" and unit.stop is None and container.name not in turn.layout.redirects:
            _settle_one(turn, container, unit)


def _settle_one(turn: Turn, container: Container, unit: Unit) -> None:
    role = turn.layout.roles.get(container.name, "")
    health = turn.state.of(container.name)
    hook = container.lifecycle.post_start if container.lifecycle else None
    if health.hook == "none":
        if hook is None or role:
            health = replace(health, hook="done", hooked=health.hooked or not role)
        elif turn.state.ending_since is None:
            turn.do(RunHook(container.name, unit.attempt, "postStart", HOOK_LIMIT_S))
            health = replace(health, hook="running")
    if health.hook == "done" and not health.started and container.startup_probe is None:
        health = replace(health, started=True)
    if health.started and not health.ready and readiness_of(container, role) is None:
        health = replace(health, ready=True)
    if role and health.ready:
        health = replace(health, hooked=True)
    turn.put_health(container.name, health)


def _rise(turn: Turn) -> None:
    """Sandbox and volumes at once; then init containers in order; then containers in order."""
    state = turn.state
    if state.sandbox == "none" and turn.reached(state.sandbox_retry_at):
        turn.do(MakeSandbox())
        turn.set(sandbox="making")
    if state.volumes == "none" and turn.reached(state.volumes_retry_at):
        turn.do(MountVolumes())
        turn.set(volumes="mounting")
    _go_on_stopping(turn)
    if state.sandbox != "ready":
        return
    if state.volumes == "ready":
        _run_containers(turn)
    if _only_redirects_before(turn):
        _ensure(turn, PROXY)


def _run_containers(turn: Turn) -> None:
    if not _inits_done(turn):
        return
    if not turn.state.initialized:
        turn.set(initialized=True)
    for container in turn.pod.spec.containers:
        _ensure(turn, turn.layout.unit_of(container.name))
        if _holds_others(turn, container):
            return


def _go_on_stopping(turn: Turn) -> None:
    for name, unit in turn.state.units.items():
        if unit.step == "running" and unit.stop is not None:
            stop_unit(turn, name, unit.stop.deadline)


def _only_redirects_before(turn: Turn) -> bool:
    """Whether the Envoy may start beside its redirects: no other init container has to end before it.

    The Envoy needs no volume and no rule. Its start is the longest part of a cold start, and nothing of
    the application runs before the rules are in place.
    """
    inits = {c.name for c in turn.pod.spec.init_containers}
    has_proxy = any(c.name in turn.layout.roles for c in turn.pod.spec.containers)
    return has_proxy and inits <= turn.layout.redirects


def _inits_done(turn: Turn) -> bool:
    """Bring the init containers up in order; whether the containers may start."""
    for container in turn.pod.spec.init_containers:
        name = turn.layout.unit_of(container.name)
        if is_sidecar(container):
            _ensure(turn, name)
            if not turn.state.initialized and not turn.state.of(container.name).started:
                return False
            continue
        if turn.state.initialized:
            continue
        unit = turn.state.unit(name)
        if unit.step == "exited" and unit.ended is not None and unit.ended.code == 0:
            continue
        _ensure(turn, name)
        return False
    return True


def _holds_others(turn: Turn, container: Container) -> bool:
    """Whether later containers wait for this one: its postStart hook has never ended well.

    A proxy container's hook is `pilot-agent wait`: it has ended when the container is ready, which is how
    `holdApplicationUntilProxyStarts` works.
    Source: istio pkg/kube/inject/webhook.go, reorderPod; kubernetes pkg/kubelet/kuberuntime, startContainer.
    """
    hooked = container.lifecycle is not None and container.lifecycle.post_start is not None
    return hooked and not turn.state.of(container.name).hooked


def _ensure(turn: Turn, name: str) -> None:
    """Start the unit if it is its time; say why if it is not."""
    unit = turn.state.unit(name)
    if unit.step == "waiting":
        if turn.reached(unit.retry_at):
            _start(turn, name, unit)
        else:
            _say_pull_back_off(turn, name, unit)
    elif unit.step == "exited" and unit.ended is not None:
        if not unit_restarts(turn.pod, turn.layout, name, unit.ended):
            return
        if turn.reached(due(unit)):
            _start(turn, name, unit)
        elif unit.reason != "CrashLoopBackOff" and turn.reached(_shown_until(unit)):
            message = crash_loop_message(turn.pod, name, unit.delay_s)
            turn.put(name, replace(unit, reason="CrashLoopBackOff", message=message))
            shown = members_of(turn.pod, turn.layout, name)[0].name
            who = f"{turn.pod.name}_{turn.pod.namespace}({turn.pod.uid})"
            turn.do(
                Say("BackOff", f"Back-off restarting failed container {shown} in pod {who}", warning=True)
            )


def _shown_until(unit: Unit) -> float:
    """A failed start says why before the back-off takes its place."""
    failed = unit.reason == "RunContainerError" and unit.ended is not None
    return unit.ended.finished_at + SPOKEN_S if failed and unit.ended else 0.0


def _say_pull_back_off(turn: Turn, name: str, unit: Unit) -> None:
    if unit.reason not in ("ErrImagePull", "ErrImageNeverPull") or not unit.pull_since:
        return
    if not turn.reached(unit.pull_since + SPOKEN_S):
        return
    image = members_of(turn.pod, turn.layout, name)[0].image
    said = f'Back-off pulling image "{image}"'
    turn.put(name, replace(unit, reason="ImagePullBackOff", message=f"{said}: {unit.reason}: {unit.message}"))
    turn.do(Say("BackOff", said))


def _start(turn: Turn, name: str, unit: Unit) -> None:
    started = begun(unit, turn.now)
    turn.put(name, started)
    turn.do(StartUnit(name, started.attempt))


def _note_over(turn: Turn) -> None:
    """The final phase: an init container that failed for good, or all containers ended for good."""
    pod, layout, state = turn.pod, turn.layout, turn.state
    for container in pod.spec.init_containers:
        ended = state.unit(layout.unit_of(container.name)).ended
        if ended and ended.code and not restarts(pod, container, ended) and not is_sidecar(container):
            turn.set(over="Failed")
            return
    codes: list[int] = []
    for container in pod.spec.containers:
        ended = state.unit(layout.unit_of(container.name)).ended
        if ended is None or unit_restarts(pod, layout, layout.unit_of(container.name), ended):
            return
        codes.append(ended.code)
    if codes:
        turn.set(over="Failed" if any(codes) else "Succeeded")


def wanted_probes(pod: Pod, layout: Layout, state: PodState) -> frozenset[tuple[str, ProbeKind, int]]:
    """The probes that should be running now, as (container, kind, attempt)."""
    wanted: set[tuple[str, ProbeKind, int]] = set()
    if state.ending_since is not None or state.over:
        return frozenset()
    for container in pod.all_containers():
        if pod.is_init(container.name) and not is_sidecar(container):
            continue
        unit = state.unit(layout.unit_of(container.name))
        health = state.of(container.name)
        if unit.step == "running" and unit.stop is None:
            wanted |= {(container.name, kind, unit.attempt) for kind in _kinds(layout, container, health)}
    return frozenset(wanted)


def _kinds(layout: Layout, container: Container, health: Health) -> list[ProbeKind]:
    if health.hook != "done":
        return []
    if not health.started:
        return ["startup"] if container.startup_probe is not None else []
    kinds: list[ProbeKind] = ["liveness"] if container.liveness_probe is not None else []
    if readiness_of(container, layout.roles.get(container.name, "")) is not None:
        kinds.append("readiness")
    return kinds
