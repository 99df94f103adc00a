"""How a pod goes down: preStop hooks, SIGTERM to the apps, the Envoy last, SIGKILL at the grace period. Pure.

Apps go first, all at once; then restartable init containers in reverse order; the pod's Envoy stays until
nothing needs it. As a mesh proxy it leaves earlier when its drain duration is over, as upstream's does,
so that an app that needs longer than `terminationDrainDuration` loses its connections here too.

A container that only restarts waits for no drain: upstream's queue-proxy, which then gets no SIGTERM, answers
`/wait-for-drain` after a second. Source: knative/serving pkg/queue/sharedmain/handlers.go, adminHandler.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .layout import QUIET_DRAIN_S
from .model import KILL, PROXY, TERM, Clean, DeleteObject, DrainProxy, RunHook, Say, SendSignal, Stop, Unit
from .restart import members_of
from .spec import is_sidecar
from .turn import Turn

AFTER_HOOK_S = 2.0  # kubelet: minimumGracePeriodInSeconds, even when the hook used the whole period
KILL_AGAIN_S = 2.0
_NO_DRAIN_S = 1.0
DELETE_AGAIN_S = 5.0


def fall(turn: Turn) -> None:
    """Take the pod down one step further, and clean up when nothing runs."""
    by = turn.state.ending_by if turn.state.ending_since is not None else turn.now + turn.pod.grace_s
    _drain(turn)
    apps = [name for name in turn.state.units if name != PROXY and name not in _sidecars(turn)]
    for name in apps:
        stop_unit(turn, name, by)
    if _all_down(turn, apps):
        for name in reversed(_sidecars(turn)):
            stop_unit(turn, name, by)
            if not _is_down(turn, name):
                break
    others = [name for name in turn.state.units if name != PROXY]
    if _proxy_may_go(turn, _all_down(turn, others), has_apps=bool(others)):
        stop_unit(turn, PROXY, by)
    if _all_down(turn, turn.state.units):
        _clean(turn)


def stop_unit(turn: Turn, name: str, deadline: float) -> None:
    """Move one unit towards its end; nothing if it does not run."""
    unit = turn.state.unit(name)
    if unit.step != "running":
        return
    if unit.stop is None:
        unit = replace(unit, stop=Stop(since=turn.now, deadline=deadline))
        for container in members_of(turn.pod, turn.layout, name):
            turn.do(Say("Killing", f"Stopping container {container.name}"))
    assert unit.stop is not None, "set just now"
    stop = replace(unit.stop, deadline=min(unit.stop.deadline, deadline))
    stop = _signal(turn, name, unit, _hook(turn, name, unit, stop))
    turn.put(name, replace(unit, stop=stop))


def _hook(turn: Turn, name: str, unit: Unit, stop: Stop) -> Stop:
    """Ask for the preStop hook once; go on without it at the deadline."""
    if stop.hook == "none":
        hooked = [
            c.name for c in members_of(turn.pod, turn.layout, name) if c.lifecycle and c.lifecycle.pre_stop
        ]
        left = stop.deadline - turn.now
        # One hook per unit: of the Envoy's containers only one ever has a hook of its own.
        if not hooked or left <= 0:
            return replace(stop, hook="done")
        if turn.state.ending_since is None and _waits_for_drain(turn, hooked[0]):
            left = min(left, _NO_DRAIN_S)
        turn.do(RunHook(hooked[0], unit.attempt, "preStop", left))
        stop = replace(stop, hook="running")
    if stop.hook == "running" and turn.reached(stop.deadline):
        return replace(stop, hook="done")
    return stop


def _waits_for_drain(turn: Turn, name: str) -> bool:
    """Whether the container's hook asks the pod's own queue-proxy."""
    container = turn.pod.container(name)
    hook = container.lifecycle.pre_stop if container is not None and container.lifecycle else None
    asked = hook.http_get if hook is not None else None
    return "queue" in turn.layout.roles.values() and asked is not None and asked.path == "/wait-for-drain"


def _signal(turn: Turn, name: str, unit: Unit, stop: Stop) -> Stop:
    if stop.hook != "done":
        return stop
    if stop.termed_at is None:
        turn.do(SendSignal(name, unit.attempt, TERM))
        stop = replace(stop, termed_at=turn.now)
    assert stop.termed_at is not None, "set just now"
    used_up = stop.termed_at >= stop.deadline - AFTER_HOOK_S and stop.termed_at > stop.since
    kill_at = max(stop.deadline, stop.termed_at + AFTER_HOOK_S) if used_up else stop.deadline
    if stop.killed_at is not None:
        kill_at = stop.killed_at + KILL_AGAIN_S
    if turn.reached(kill_at):
        turn.do(SendSignal(name, unit.attempt, KILL))
        stop = replace(stop, killed_at=turn.now)
        turn.wake(turn.now + KILL_AGAIN_S)
    return stop


def _drain(turn: Turn) -> None:
    """Tell a running Envoy once that its pod ends."""
    unit = turn.state.unit(PROXY)
    if unit.step != "running" or unit.drain != "none":
        return
    limit = turn.layout.drain_s if turn.layout.in_mesh else QUIET_DRAIN_S
    turn.do(DrainProxy(unit.attempt, limit))
    turn.put(PROXY, replace(unit, drain="running"))


def _proxy_may_go(turn: Turn, others_down: bool, has_apps: bool) -> bool:
    """Say whether the Envoy's own end begins.

    | others run | pod has other processes | drained | in the mesh and its drain time over | goes |
    |------------|-------------------------|---------|-------------------------------------|------|
    | yes        | -                       | -       | no                                  | no   |
    | yes        | -                       | -       | yes                                 | yes  |
    | no         | yes                     | -       | -                                   | yes  |
    | no         | no                      | no      | -                                   | no   |
    | no         | no                      | yes     | -                                   | yes  |

    Deviation: upstream's mesh proxy always stays for the whole drain duration; here it leaves as soon as
    nothing in the pod needs it.
    """
    unit = turn.state.unit(PROXY)
    if unit.step != "running" or unit.stop is not None:
        return True
    if others_down:
        return has_apps or unit.drain == "done" or _ending_over(turn)
    since = turn.state.ending_since
    return turn.layout.in_mesh and since is not None and turn.reached(since + turn.layout.drain_s)


def _ending_over(turn: Turn) -> bool:
    return turn.state.ending_since is not None and turn.reached(turn.state.ending_by)


def _sidecars(turn: Turn) -> list[str]:
    names = [c.name for c in turn.pod.spec.init_containers if is_sidecar(c)]
    return [n for n in names if n in turn.state.units and turn.layout.unit_of(n) == n]


def _is_down(turn: Turn, name: str) -> bool:
    return turn.state.unit(name).step in ("waiting", "exited")


def _all_down(turn: Turn, names: Iterable[str]) -> bool:
    return all(_is_down(turn, name) for name in names)


def _clean(turn: Turn) -> None:
    """Free the sandbox, then let the object go."""
    state = turn.state
    if state.sandbox == "making" or state.volumes == "mounting":
        return
    if state.sandbox in ("none", "ready") and turn.reached(state.sandbox_retry_at):
        turn.do(Clean())
        turn.set(sandbox="removing")
    if state.sandbox != "removed" or state.ending_since is None:
        return
    if state.vanished:
        turn.set(forgotten=True)
    elif turn.reached(state.delete_retry_at):
        turn.do(DeleteObject())
        turn.set(delete_retry_at=turn.now + DELETE_AGAIN_S)
        turn.wake(turn.now + DELETE_AGAIN_S)
