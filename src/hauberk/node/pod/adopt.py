"""The state of a pod that an earlier control plane left behind. Pure.

What the object's status says and what the keeper runs are put together: a container that runs goes on
with the same attempt; one that ended meanwhile stays `running` here until its exit, which the keeper
kept, arrives; without its sandbox everything ended, and the pod starts anew in a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.core.container import Container

from .layout import Layout
from .model import PROXY, Ended, Health, PodState, Unit
from .spec import Pod, is_sidecar
from .times import ended_of, parse_stamp

LOST = "The container could not be located when the node looked for it"


@dataclass(frozen=True, slots=True)
class Found:
    """What the keeper has of one pod. `running`: unit name to (attempt, started at)."""

    ip: str = ""
    running: Mapping[str, tuple[int, float]] | None = None

    @property
    def units(self) -> Mapping[str, tuple[int, float]]:
        """Never None."""
        return self.running or {}


def adopt(pod: Pod, layout: Layout, found: Found, now: float) -> PodState:
    """The state to go on from; for a pod that never ran it is a fresh one."""
    status: Json = pod.raw.get("status") or {}
    seen = parse_stamp(status.get("startTime")) or now
    phase = str(status.get("phase") or "Pending")
    state = PodState(first_seen=seen, over=phase if phase in ("Succeeded", "Failed") else "")  # type: ignore[arg-type]
    if state.over and status.get("reason"):
        state = replace(state, failed=(str(status["reason"]), str(status.get("message") or "")))
    rows = {
        str(row["name"]): row
        for key in ("initContainerStatuses", "containerStatuses")
        for row in status.get(key) or ()
    }
    units: dict[str, Unit] = {}
    health: dict[str, Health] = {}
    for container in pod.all_containers():
        name = layout.unit_of(container.name)
        row = rows.get(container.name)
        if row is None and name not in found.units:
            continue
        unit = _unit(row or {}, found.units.get(name), now)
        if not found.ip and not state.over:
            unit = _after_loss(pod, container, unit, now)
        if name not in units or units[name].step != "running":
            units[name] = unit
        if unit.step == "running":
            health[container.name] = _health(row or {})
    if not found.ip:
        return replace(state, units=units, sandbox="removed" if state.over else "none")
    done = _past_init(pod, layout, units)
    return replace(state, units=units, health=health, sandbox="ready", ip=found.ip, initialized=done)


def _unit(row: Json, runs: tuple[int, float] | None, now: float) -> Unit:
    state: Json = row.get("state") or {}
    unit = Unit(
        attempt=int(row.get("restartCount") or 0),
        container_id=str(row.get("containerID") or ""),
        image_id=str(row.get("imageID") or ""),
        last=ended_of((row.get("lastState") or {}).get("terminated")),
    )
    if runs is not None:
        attempt, started_at = runs
        return replace(unit, step="running", attempt=attempt, started_at=started_at)
    if state.get("running"):
        return replace(unit, step="running", started_at=parse_stamp(state["running"].get("startedAt")))
    if state.get("terminated"):
        return replace(unit, step="exited", ended=ended_of(state["terminated"]))
    if unit.last is not None:
        # In back-off: the last run's end is what the restart waits for.
        delay = 10.0 if now - unit.last.finished_at < 600 else 0.0
        return replace(
            unit, step="exited", ended=unit.last, last=None, delay_s=delay, delay_since=unit.last.finished_at
        )
    return unit


def _after_loss(pod: Pod, container: Container, unit: Unit, now: float) -> Unit:
    """A unit whose sandbox is gone: it ended, and init containers have their work to do again."""
    if unit.step == "running":
        ended = Ended(
            code=137, finished_at=now, started_at=unit.started_at, reason="ContainerStatusUnknown",
            message=LOST, container_id=unit.container_id,
        )  # fmt: skip
        unit = replace(unit, step="exited", ended=ended)
    if pod.is_init(container.name) and not is_sidecar(container) and unit.step == "exited":
        return replace(unit, step="waiting", attempt=unit.attempt + 1, last=unit.ended, ended=None)
    return unit


def _health(row: Json) -> Health:
    started = bool(row.get("started"))
    return Health(
        hook="done" if started else "none", hooked=started, started=started, ready=bool(row.get("ready"))
    )


def _past_init(pod: Pod, layout: Layout, units: Mapping[str, Unit]) -> bool:
    """Whether a container began that begins only after the init containers' work.

    The Envoy is not one: it begins beside its redirect, and a spare began before there was a pod. A pod that
    took it for one would go on without its redirect, past the mesh.
    """
    names = {layout.unit_of(c.name) for c in pod.spec.containers} - {PROXY}
    return any(name in units and not _untouched(units[name]) for name in names)


def _untouched(unit: Unit) -> bool:
    return unit.step == "waiting" and unit.attempt == 0


def lost_units(state: PodState, found: Found) -> dict[str, Any]:
    """Units that the state has running and the keeper does not: name to attempt."""
    return {n: u.attempt for n, u in state.units.items() if u.step == "running" and n not in found.units}
