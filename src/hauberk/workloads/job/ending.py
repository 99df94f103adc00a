"""Whether a Job has reached its goal or its limits. Pure.

Source: kubernetes pkg/controller/job/job_controller.go, syncJob; backoff_utils.go; success_policy.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hauberk.base.refs import Json
from hauberk.base.times import epoch
from hauberk.workloads.job import indexes
from hauberk.workloads.job.policy import match
from hauberk.workloads.job.tally import Tally
from hauberk.workloads.job.world import World, ended_at, failures_of, has_failed, index_of, is_running, phase

FIRST_DELAY_S = 10.0
LONGEST_DELAY_S = 600.0


@dataclass(frozen=True, slots=True)
class End:
    """How a Job ends, and why."""

    type: Literal["Complete", "Failed"]
    reason: str
    message: str


DONE = End("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
_TOO_OFTEN = End("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
_TOO_LONG = End("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")


def judge(world: World, counts: Tally, failed: frozenset[int], now: float) -> End | None:
    """The first end that applies. `failed` are the indexes that have failed for good."""
    spec = world.job.spec
    if counts.verdict is not None:
        return End("Failed", "PodFailurePolicy", counts.verdict.message)
    rule = _satisfied(world, counts.completed)
    if rule is not None:
        return End("Complete", "SuccessPolicy", f"Matched rules at index {rule}")
    limit = 6 if spec.backoff_limit is None else spec.backoff_limit
    if counts.all_failed > limit or _restarts(world) > max(limit - 1, 0):
        return _TOO_OFTEN
    left = deadline_in(world, now)
    if left is not None and left <= 0:
        return _TOO_LONG
    return _by_index(world, counts, failed) or (DONE if _complete(world, counts) else None)


def _complete(world: World, counts: Tally) -> bool:
    spec, active = world.job.spec, sum(map(is_running, world.pods))
    if spec.completions is None:
        return counts.all_succeeded > 0 and active == 0
    return counts.all_succeeded >= spec.completions


def _by_index(world: World, counts: Tally, failed: frozenset[int]) -> End | None:
    spec = world.job.spec
    if spec.max_failed_indexes is not None and len(failed) > spec.max_failed_indexes:
        return End(
            "Failed",
            "MaxFailedIndexesExceeded",
            "Job has exceeded the specified maximal number of failed indexes",
        )
    total = spec.completions or 0
    if failed and len(failed | counts.completed) >= total:
        return End("Failed", "FailedIndexes", "Job has failed indexes")
    return None


def deadline_in(world: World, now: float) -> float | None:
    """Seconds until the Job has been active too long; None without a deadline or while it is suspended."""
    limit, start = world.job.spec.active_deadline_seconds, world.job.status.start_time
    if limit is None or start is None or world.job.spec.suspend:
        return None
    return epoch(start) + limit - now


def _restarts(world: World) -> int:
    """How often containers of running pods were restarted in place."""
    if world.job.spec.template.spec.restart_policy != "OnFailure":
        return 0
    rows = []
    for pod in world.pods:
        status = pod.get("status") or {}
        if phase(pod) in ("Pending", "Running"):
            rows += [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return sum(r.get("restartCount", 0) for r in rows)


def _satisfied(world: World, completed: frozenset[int]) -> int | None:
    policy = world.job.spec.success_policy
    for i, rule in enumerate(policy.rules if policy else ()):
        among = (
            completed if rule.succeeded_indexes is None else completed & indexes.read(rule.succeeded_indexes)
        )
        wanted = rule.succeeded_count
        if wanted is None:
            wanted = len(indexes.read(rule.succeeded_indexes or ""))
        if among and len(among) >= wanted:
            return i
    return None


def failed_indexes(world: World, counts: Tally) -> frozenset[int]:
    """Indexes that failed too often, or whose failure a rule calls final."""
    limit = world.job.spec.backoff_limit_per_index
    known = indexes.read(world.job.status.failed_indexes or "")
    if limit is None:
        return frozenset()
    new = {
        index_of(pod)
        for pod in counts.failures
        if failures_of(pod) >= limit or _is_final(world, pod)
    }  # fmt: skip
    return frozenset(known | new) - {-1}


def _is_final(world: World, pod: Json) -> bool:
    ruled = match(world.job.spec.pod_failure_policy, pod)
    return ruled is not None and ruled.action == "FailIndex"


def delay(world: World, pods: Sequence[Json], now: float) -> float:
    """Seconds until the next pod may be made: 10 s after the first failure, doubled up to 10 min.

    A success begins anew.
    """
    won = max((ended_at(p) for p in pods if phase(p) == "Succeeded"), default=0.0)
    lost = [ended_at(p) for p in pods if has_failed(world, p) and ended_at(p) >= won]
    if not lost:
        return 0.0
    wait = min(FIRST_DELAY_S * 2.0 ** min(len(lost) - 1, 10), LONGEST_DELAY_S)
    return max(0.0, max(lost) + wait - now)
