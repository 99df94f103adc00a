"""The Job's rows in the table of controllers."""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.base.refs import Json, Ref, controller_of, is_deleting, kind_of, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.kinds.batch.job import KIND
from hauberk.ports import Snapshot
from hauberk.workloads.job.plan import plan
from hauberk.workloads.job.tally import untrack
from hauberk.workloads.job.world import TRACKING, is_tracked, observe


def wake(pod: Json, _: Snapshot) -> Sequence[Ref]:
    """From a pod to its Job."""
    owner = controller_of(pod)
    if owner is None or owner["kind"] != KIND.name:
        return ()
    return (Ref(KIND.id, pod["metadata"].get("namespace", ""), owner["name"]),)


def observe_left(snapshot: Snapshot, ref: Ref) -> Json | None:
    """A pod that nobody counts any more: its Job is gone or going."""
    pod = snapshot.get(ref)
    if pod is None or not is_tracked(pod):
        return None
    owner = controller_of(pod)
    if owner is None or kind_of(owner) != KIND.id:
        return pod
    job = snapshot.get(Ref(KIND.id, ref.namespace, owner["name"]))
    here = job is not None and job["metadata"]["uid"] == owner["uid"] and not is_deleting(job)
    return None if here else pod


def let_go(pod: Json, _now: float) -> Plan:
    """Take the finalizer off.

    Source: kubernetes pkg/controller/job/job_controller.go, syncOrphanPod.
    """
    return Plan(patches=(untrack(pod),))


def pods_left(job: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a Job that is gone or going to its pods."""
    uid = job["metadata"]["uid"]
    return [
        ref_of(p)
        for p in snapshot.owned_by(uid, ("Pod",))
        if TRACKING in (p["metadata"].get("finalizers") or ())
    ]


CONTROLLERS = (
    Controller(name="job", kind=KIND.id, wakes={"Pod": wake}, observe=observe, plan=plan),
    Controller(
        name="job-tracking",
        kind="Pod",
        wakes={KIND.id: pods_left},
        observe=observe_left,
        plan=let_go,
        while_deleting=True,
    ),
)
"""The pods of a Job, and those that a Job left behind."""
