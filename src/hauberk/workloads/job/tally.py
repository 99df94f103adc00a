"""Counts every ended pod of a Job exactly once, whatever dies meanwhile. Pure.

A pod carries the finalizer `batch.kubernetes.io/job-tracking`. When it has ended, its uid goes into
`status.uncountedTerminatedPods`; then the finalizer is taken off; then, once nobody can see the finalizer
any more, the uid leaves the status and the number grows, in one write.

Source: kubernetes pkg/controller/job/job_controller.go, trackJobStatusAndRemoveFinalizers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.workloads.job import indexes
from hauberk.workloads.job.policy import Match, match
from hauberk.workloads.job.world import TRACKING, World, has_failed, index_of, is_tracked, phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts now. `waiting_*` are uids that still wait for their finalizer to go."""

    succeeded: int  # counted; with `waiting_succeeded` all
    failed: int
    waiting_succeeded: tuple[str, ...] = ()
    waiting_failed: tuple[str, ...] = ()
    completed: frozenset[int] = frozenset()  # indexes
    failures: Sequence[Json] = ()  # failed pods seen for the first time, that count
    verdict: Match | None = None  # a rule of the failure policy that ends the Job or an index
    patches: tuple[tuple[Ref, Json], ...] = ()

    @property
    def all_succeeded(self) -> int:
        """Pods that succeeded."""
        return self.succeeded + len(self.waiting_succeeded)

    @property
    def all_failed(self) -> int:
        """Pods that failed."""
        return self.failed + len(self.waiting_failed)

    @property
    def settled(self) -> bool:
        """Whether nothing waits to be counted."""
        return not (self.waiting_succeeded or self.waiting_failed)


def tally(world: World, *, over: bool) -> Tally:
    """Count what has ended. `over`: the Job has ended, so whatever still runs counts as failed."""
    status = world.job.status
    waiting: Mapping[str, Sequence[str]] = status.uncounted_terminated_pods or {}
    by_uid = {p["metadata"]["uid"]: p for p in world.pods}
    won, lost = (
        [by_uid[u] for u in waiting.get(key) or () if u in by_uid and is_tracked(by_uid[u])]
        for key in ("succeeded", "failed")
    )
    known = {p["metadata"]["uid"] for p in (*won, *lost)}
    fresh = [p for p in world.pods if is_tracked(p) and p["metadata"]["uid"] not in known]
    new = _sort(world, fresh, over=over)
    waits_won, waits_lost = _uids((*won, *new.won)), _uids((*lost, *new.lost))
    counted = status.succeeded + len(waiting.get("succeeded") or ()) - len(won)
    return Tally(
        succeeded=len(new.completed) - len(waits_won) if world.indexed else counted,
        failed=status.failed + len(waiting.get("failed") or ()) - len(lost),
        waiting_succeeded=waits_won,
        waiting_failed=waits_lost,
        completed=new.completed,
        failures=tuple(new.lost),
        verdict=new.verdict,
        patches=tuple(untrack(p) for p in (*won, *lost, *new.ignored)),
    )


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Pods seen as ended for the first time."""

    won: Sequence[Json]
    lost: Sequence[Json]
    ignored: Sequence[Json]
    completed: frozenset[int]
    verdict: Match | None


def _sort(world: World, pods: Sequence[Json], *, over: bool) -> _Sorted:
    policy = world.job.spec.pod_failure_policy
    done = indexes.read(world.job.status.completed_indexes) if world.indexed else frozenset()
    won: list[Json] = []
    lost: list[Json] = []
    ignored: list[Json] = []
    verdict = None
    for pod in pods:
        if phase(pod) == "Succeeded":
            useful = not world.indexed or _is_new_index(world, pod, done)
            (won if useful else ignored).append(pod)
            done = done | {index_of(pod)} if world.indexed and useful else done
        elif has_failed(world, pod) or over:
            ruled = match(policy, pod)
            (ignored if ruled is not None and ruled.action == "Ignore" else lost).append(pod)
            if ruled is not None and ruled.action == "FailJob":
                verdict = verdict or ruled
    return _Sorted(won, lost, ignored, done, verdict)


def _is_new_index(world: World, pod: Json, done: frozenset[int]) -> bool:
    index = index_of(pod)
    return 0 <= index < (world.job.spec.completions or 0) and index not in done


def _uids(pods: Sequence[Json]) -> tuple[str, ...]:
    return tuple(p["metadata"]["uid"] for p in pods)


def untrack(pod: Json) -> tuple[Ref, Json]:
    """The patch that takes the finalizer off."""
    left = [f for f in pod["metadata"].get("finalizers") or () if f != TRACKING]
    version = pod["metadata"].get("resourceVersion")
    return ref_of(pod), {"metadata": {"finalizers": left or None, "resourceVersion": version}}
