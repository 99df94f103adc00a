"""A Deployment's counts and conditions, as `kubectl rollout status` and Knative read them.

Source: kubernetes pkg/controller/deployment/sync.go (calculateStatus), progress.go (syncRolloutStatus).

| situation                                    | Progressing                       |
|----------------------------------------------|-----------------------------------|
| paused                                       | Unknown, DeploymentPaused         |
| no longer paused                             | Unknown, DeploymentResumed        |
| all pods new and available                   | True, NewReplicaSetAvailable      |
| it was complete, and only its size changes   | unchanged                         |
| new ReplicaSet made                          | True, NewReplicaSetCreated        |
| counts got better                            | True, ReplicaSetUpdated           |
| no better for longer than the deadline       | False, ProgressDeadlineExceeded   |
| none of these                                | unchanged                         |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import condition
from hauberk.base.refs import Json
from hauberk.base.times import epoch, rfc3339
from hauberk.workloads.deployment.rolling import Limits
from hauberk.workloads.deployment.world import Set, World

_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A status, and when to look again."""

    status: dict[str, Any]
    retry_after: float | None = None


def counts(sets: Sequence[Set], newest: str) -> dict[str, int]:
    """The numbers of all sets together; `newest` is the name of the present template's set."""
    available = sum(s.available for s in sets)
    return {
        "replicas": sum(s.exist for s in sets),
        "updatedReplicas": sum(s.exist for s in sets if s.name == newest),
        "readyReplicas": sum(s.ready for s in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(s.replicas for s in sets) - available),
    }


def report(world: World, limit: Limits, newest: str, created: bool, collisions: int, now: float) -> Report:
    """The status of a Deployment. `created`: the present template's set is made just now."""
    numbers = counts(world.sets, newest)
    status: dict[str, Any] = {k: v for k, v in numbers.items() if v}
    status["terminatingReplicas"] = sum(s.terminating for s in world.sets)
    if collisions:
        status["collisionCount"] = collisions
    progressing, retry_after = _progressing(world, numbers, newest, created, now)
    rows = [row for row in (progressing, _available(world, numbers, limit, now)) if row is not None]
    status["conditions"] = rows
    return Report(status=status, retry_after=retry_after)


def _available(world: World, numbers: Json, limit: Limits, now: float) -> dict[str, Any]:
    if numbers["availableReplicas"] >= limit.least:
        return _row(world, "Available", "True", "MinimumReplicasAvailable",
                    "Deployment has minimum availability.", now)  # fmt: skip
    return _row(world, "Available", "False", "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.", now)  # fmt: skip


def _row(
    world: World, kind: str, status: str, reason: str, message: str, now: float, *, progressed: bool = False
) -> dict[str, Any]:
    """A condition; its update time moves when it says something new, or there was progress."""
    old = condition(world.raw, kind) or {}
    same = (old.get("status"), old.get("reason"), old.get("message")) == (status, reason, message)
    updated = old.get("lastUpdateTime") if same and not progressed else None
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": updated or rfc3339(now),
    }


def _progressing(
    world: World, numbers: Json, newest: str, created: bool, now: float
) -> tuple[dict[str, Any] | None, float | None]:
    deadline = world.deployment.spec.progress_deadline_seconds
    old = condition(world.raw, "Progressing") or {}
    reason = old.get("reason")
    if deadline is None:
        return None, None
    if world.deployment.spec.paused:
        return _row(world, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now), None
    if reason == "DeploymentPaused":
        return _row(world, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now), 0.0
    named = f'ReplicaSet "{newest}"'
    if created:
        message = f'Created new replica set "{newest}"'
        return _row(world, "Progressing", "True", "NewReplicaSetCreated", message, now), float(deadline)
    if _complete(world, numbers):
        message = f"{named} has successfully progressed."
        return _row(world, "Progressing", "True", "NewReplicaSetAvailable", message, now), None
    if reason == "NewReplicaSetAvailable" and numbers["replicas"] == numbers["updatedReplicas"]:
        return _kept(old), None
    if not old or _better(world, numbers):
        message = f"{named} is progressing."
        row = _row(world, "Progressing", "True", "ReplicaSetUpdated", message, now, progressed=True)
        return row, float(deadline)
    return _overdue(world, old, named, deadline, now)


def _overdue(
    world: World, old: Json, named: str, deadline: int, now: float
) -> tuple[dict[str, Any], float | None]:
    since = epoch(old.get("lastUpdateTime") or rfc3339(now))
    left = since + deadline - now
    if old.get("reason") == "ProgressDeadlineExceeded" or left > 0:
        return _kept(old), None if left <= 0 else left
    message = f"{named} has timed out progressing."
    return _row(world, "Progressing", "False", "ProgressDeadlineExceeded", message, now), None


def _kept(old: Json) -> dict[str, Any]:
    return {k: v for k, v in old.items() if k != "lastTransitionTime"}


def _complete(world: World, numbers: Json) -> bool:
    wanted = world.replicas
    return all(numbers[k] == wanted for k in ("updatedReplicas", "replicas", "availableReplicas"))


def _better(world: World, numbers: Json) -> bool:
    """Whether more is new, ready or available, or less is old, than the stored status says."""
    stored = {k: (world.raw.get("status") or {}).get(k, 0) for k in _COUNTS}
    old_now = numbers["replicas"] - numbers["updatedReplicas"]
    old_then = stored["replicas"] - stored["updatedReplicas"]
    rising = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_now < old_then or any(numbers[k] > stored[k] for k in rising)
