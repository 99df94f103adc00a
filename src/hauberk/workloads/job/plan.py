"""Job → its next pods, its counts, its end. Pure.

A Job ends in two steps: `SuccessCriteriaMet` or `FailureTarget` says how it will end and stops what still
runs; `Complete` or `Failed` follows when no pod runs any more and all are counted.

Source: kubernetes pkg/controller/job/job_controller.go (syncJob, manageJob), ttlafterfinished_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.base.times import epoch, rfc3339
from hauberk.engine.plan import Note, Plan
from hauberk.workloads.job import indexes
from hauberk.workloads.job.ending import End, deadline_in, delay, failed_indexes, judge
from hauberk.workloads.job.make import make_pod
from hauberk.workloads.job.proxies import waiting_for_proxy
from hauberk.workloads.job.tally import Tally, tally, untrack
from hauberk.workloads.job.world import (
    World,
    failures_of,
    has_failed,
    index_of,
    is_running,
    is_terminating,
    is_tracked,
)
from hauberk.workloads.pods import is_ready
from hauberk.workloads.replicaset import usefulness

_AT_ONCE = 500
_INTERIM = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Pods to make and to stop, and when to look again."""

    create: tuple[Json, ...] = ()
    stop: Sequence[Json] = ()
    retry_after: float | None = None
    patches: tuple[tuple[Ref, Json], ...] = field(default=())


def plan(world: World, now: float) -> Plan:
    """The next step of a Job."""
    if world.ended("Complete", "Failed"):
        return _after(world, now)
    decided = _interim(world)
    counts = tally(world, over=decided is not None)
    lost = failed_indexes(world, counts)
    end = decided or (None if world.raw["spec"].get("suspend") else judge(world, counts, lost, now))
    running = [p for p in world.pods if is_running(p)]
    moves = Moves(stop=running) if end else _moves(world, counts, lost, running, now)
    rows, notes = _conditions(world, end, counts, running)
    status = _status(world, counts, lost, rows, moves, now)
    stopped = [Note("SuccessfulDelete", f"Deleted pod: {p['metadata']['name']}") for p in moves.stop]
    return Plan(
        create=moves.create,
        created=Note("SuccessfulCreate", "Created pod: {}"),
        gone=tuple(ref_of(p) for p in moves.stop),
        patches=(*counts.patches, *moves.patches),
        status=status,
        notes=(*notes, *stopped, *waiting_for_proxy(running)),
        retry_after=_soonest(moves.retry_after, deadline_in(world, now) if not end else None),
    )


def _soonest(*waits: float | None) -> float | None:
    """A hundredth later than the first, since times in the API have whole seconds."""
    known = [max(w, 0.0) + 0.01 for w in waits if w is not None]
    return min(known) if known else None


def _interim(world: World) -> End | None:
    """The end that was decided on before."""
    for kind, name in (("Complete", "SuccessCriteriaMet"), ("Failed", "FailureTarget")):
        row = condition(world.raw, name)
        if row is not None and row["status"] == "True":
            return End(kind, row.get("reason", ""), row.get("message", ""))  # type: ignore[arg-type]
    return None


def _moves(world: World, counts: Tally, lost: frozenset[int], running: Sequence[Json], now: float) -> Moves:
    if world.job.spec.suspend:
        return _stop(running)
    wanted = _wanted(world, counts, lost, len(running))
    held = sum(map(is_terminating, world.pods)) if world.replaces_ended_only else 0
    surplus = len(running) - wanted
    if surplus > 0:
        return _stop(sorted(running, key=usefulness)[:surplus])
    missing = min(-surplus - held, _AT_ONCE)
    if missing <= 0:
        return Moves()
    if world.indexed:
        return _indexed(world, counts, lost, running, missing, now)
    wait = delay(world, world.pods, now)
    if wait > 0:
        return Moves(retry_after=wait)
    return Moves(create=tuple(make_pod(world.raw) for _ in range(missing)))


def _stop(pods: Sequence[Json]) -> Moves:
    """Pods that the Job does not need now: they are not counted."""
    return Moves(stop=tuple(pods), patches=tuple(untrack(p) for p in pods if is_tracked(p)))


def _wanted(world: World, counts: Tally, lost: frozenset[int], running: int) -> int:
    spec = world.job.spec
    parallel = 1 if spec.parallelism is None else spec.parallelism
    if spec.completions is None:
        return min(running, parallel) if counts.all_succeeded else parallel
    return max(0, min(parallel, spec.completions - counts.all_succeeded - len(lost)))


def _indexed(
    world: World, counts: Tally, lost: frozenset[int], running: Sequence[Json], missing: int, now: float
) -> Moves:
    """The first indexes that nobody works on. Without a limit per index all wait for a failed one."""
    busy = {index_of(p) for p in running}
    if world.replaces_ended_only:
        busy |= {index_of(p) for p in world.pods if is_terminating(p)}
    per_index = world.job.spec.backoff_limit_per_index is not None
    common = 0.0 if per_index else delay(world, world.pods, now)
    if common > 0:
        return Moves(retry_after=common)
    create: list[Json] = []
    waits: list[float] = []
    for index in range(world.job.spec.completions or 0):
        if index in busy or index in counts.completed or index in lost or len(create) == missing:
            continue
        mine = [p for p in world.pods if index_of(p) == index]
        wait = delay(world, mine, now) if per_index else 0.0
        if wait > 0:
            waits.append(wait)
            continue
        before = [failures_of(p) + 1 for p in mine if has_failed(world, p)]
        create.append(make_pod(world.raw, index, max(before, default=0) if per_index else None))
    return Moves(create=tuple(create), retry_after=min(waits, default=None))


def _row(kind: str, truth: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": kind, "status": truth, "reason": reason, "message": message}


def _conditions(
    world: World, end: End | None, counts: Tally, running: Sequence[Json]
) -> tuple[list[dict[str, Any]], list[Note]]:
    rows: list[dict[str, Any]] = []
    notes: list[Note] = []
    was = (condition(world.raw, "Suspended") or {}).get("status")
    if world.job.spec.suspend and not end:
        rows.append(_row("Suspended", "True", "JobSuspended", "Job suspended"))
        notes += [Note("Suspended", "Job suspended")] if was != "True" else []
    elif was is not None:
        rows.append(_row("Suspended", "False", "JobResumed", "Job resumed"))
        notes += [Note("Resumed", "Job resumed")] if was == "True" else []
    if end is not None:
        rows.append(_row(_INTERIM[end.type], "True", end.reason, end.message))
        still = running or any(map(is_terminating, world.pods))
        if counts.settled and not still and not counts.patches:
            rows.append(_row(end.type, "True", end.reason, end.message))
            done = Note("Completed", "Job completed")
            notes.append(done if end.type == "Complete" else Note(end.reason, end.message, "Warning"))
    return rows, notes


def _status(
    world: World,
    counts: Tally,
    lost: frozenset[int],
    rows: Sequence[dict[str, Any]],
    moves: Moves,
    now: float,
) -> dict[str, Any]:
    stopped = {p["metadata"]["uid"] for p in moves.stop}
    alive = [p for p in world.pods if is_running(p) and p["metadata"]["uid"] not in stopped]
    over = any(row["type"] in ("Complete", "Failed") for row in rows)
    active = len(alive) + len(moves.create)
    succeeded = len(counts.completed) if world.indexed else counts.succeeded
    numbers = {"active": active, "succeeded": succeeded, "failed": counts.failed}
    status: dict[str, Any] = {
        "observedGeneration": None,
        **{k: v for k, v in numbers.items() if v},
        "ready": sum(map(is_ready, alive)),
        "terminating": sum(map(is_terminating, world.pods)) + len(stopped),
        **_waiting(counts),
    }
    if rows:
        status["conditions"] = list(rows)
    if world.indexed and counts.completed:
        status["completedIndexes"] = indexes.write(counts.completed)
    if world.job.spec.backoff_limit_per_index is not None:
        status["failedIndexes"] = indexes.write(lost)
    if start := _started(world, now):
        status["startTime"] = start
    if over and rows[-1]["type"] == "Complete":
        status["completionTime"] = rfc3339(now)
    return status


def _waiting(counts: Tally) -> dict[str, Any]:
    """Deviation: upstream leaves an empty object when nobody waits."""
    said = {"succeeded": counts.waiting_succeeded, "failed": counts.waiting_failed}
    rows = {k: list(v) for k, v in said.items() if v}
    return {"uncountedTerminatedPods": rows} if rows else {}


def _started(world: World, now: float) -> str | None:
    """Since when it works: anew after each suspension."""
    if world.job.spec.suspend:
        return None
    resumed = (condition(world.raw, "Suspended") or {}).get("status") == "True"
    return rfc3339(now) if resumed else world.job.status.start_time or rfc3339(now)


def _after(world: World, now: float) -> Plan:
    """What is left to do when it has ended: let pods go, and go itself when its time has come."""
    patches = tuple(untrack(p) for p in world.pods if is_tracked(p))
    ttl = world.job.spec.ttl_seconds_after_finished
    if ttl is None:
        return Plan(patches=patches)
    row = next(r for k in ("Complete", "Failed") if (r := condition(world.raw, k)) and r["status"] == "True")
    left = epoch(row["lastTransitionTime"]) + ttl - now
    if left > 0:
        return Plan(patches=patches, retry_after=left + 0.01)
    return Plan(patches=patches, gone=(ref_of(world.raw),))
