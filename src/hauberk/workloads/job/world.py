"""What a decision about one Job may depend on, and how its pods are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, Ref, annotations_of, is_deleting
from hauberk.base.times import epoch
from hauberk.kinds.batch.job import KIND, Job
from hauberk.ports import Snapshot
from hauberk.workloads.pods import ENDED, pods_of

TRACKING = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A Job and its pods, those that end too."""

    raw: Json
    job: Job
    pods: Sequence[Json]

    @property
    def indexed(self) -> bool:
        """Whether each pod works on an index of its own."""
        return self.job.spec.completion_mode == "Indexed"

    @property
    def replaces_ended_only(self) -> bool:
        """Whether a pod must have ended before another takes its place."""
        return self.job.spec.pod_replacement_policy == "Failed"

    def ended(self, *kinds: str) -> bool:
        """Whether one of these conditions is True."""
        return any((condition(self.raw, k) or {}).get("status") == "True" for k in kinds)


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a Job and its pods."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    return World(raw=raw, job=KIND.parse(raw), pods=tuple(pods_of(snapshot, raw)))


def phase(pod: Json) -> str:
    """`Pending` until the node says otherwise."""
    return str((pod.get("status") or {}).get("phase", "Pending"))


def is_running(pod: Json) -> bool:
    """Neither ended nor on its way out."""
    return not is_deleting(pod) and phase(pod) not in ENDED


def is_terminating(pod: Json) -> bool:
    """On its way out, and not ended."""
    return is_deleting(pod) and phase(pod) not in ENDED


def has_failed(world: World, pod: Json) -> bool:
    """A pod that is deleted counts as failed, unless the Job waits for its end.

    Source: kubernetes pkg/controller/job/job_controller.go, isPodFailed.
    """
    if phase(pod) == "Failed":
        return True
    return not world.replaces_ended_only and is_terminating(pod)


def is_tracked(pod: Json) -> bool:
    """Whether the pod's end is still to be counted."""
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def index_of(pod: Json) -> int:
    """The pod's index; -1 when it has none."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdigit() else -1


def failures_of(pod: Json) -> int:
    """How often its index had failed before it."""
    text = annotations_of(pod).get(INDEX_FAILURES, "")
    return int(text) if text.isdigit() else 0


def ended_at(pod: Json) -> float:
    """When the last container ended; else when the deletion began, else when the pod was made."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    times = [
        row["state"]["terminated"].get("finishedAt")
        for row in status.get("containerStatuses") or ()
        if (row.get("state") or {}).get("terminated")
    ]
    found = max((epoch(t) for t in times if t), default=None)
    if found is not None:
        return found
    said = meta.get("deletionTimestamp") or meta.get("creationTimestamp")
    return epoch(said) if said else 0.0
