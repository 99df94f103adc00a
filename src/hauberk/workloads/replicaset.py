"""ReplicaSet → Pods: as many as wanted, the least useful go first.

Source: kubernetes pkg/controller/replicaset/replica_set.go, manageReplicas, syncReplicaSet;
pkg/controller/controller_utils.go, ActivePodsWithRanks; controller_ref_manager.go, ClaimPods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, controller_of, is_deleting, labels_of, ref_of
from hauberk.base.times import epoch
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.engine.writes import owner_reference
from hauberk.kinds.apps.replicaset import KIND, ReplicaSet
from hauberk.kinds.apps.selector import matches
from hauberk.ports import Snapshot
from hauberk.workloads.pods import available_in, is_active, is_ready, orphans, pods_of, ready_since

BURST = 500
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A ReplicaSet, its pods, pods it may adopt, and pods it has that no longer match."""

    raw: Json
    spec: ReplicaSet
    pods: Sequence[Json]
    strays: Sequence[Json] = ()
    estranged: Sequence[Json] = ()


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a ReplicaSet and its pods."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    parsed = KIND.parse(raw)
    assert parsed.spec.selector is not None, "validation requires a selector"
    owned = pods_of(snapshot, raw)
    mine = [p for p in owned if matches(parsed.spec.selector, labels_of(p))]
    estranged = [p for p in owned if p not in mine and is_active(p)]
    strays = orphans(snapshot, ref.namespace, parsed.spec.selector)
    return World(raw=raw, spec=parsed, pods=mine, strays=strays, estranged=estranged)


def plan(world: World, now: float) -> Plan:
    """Pods to make, adopt and delete, and the counts."""
    wanted = world.spec.spec.replicas if world.spec.spec.replicas is not None else 1
    active = [p for p in (*world.pods, *world.strays) if is_active(p)]
    surplus = sorted(active, key=usefulness)[: max(0, len(active) - wanted)]
    missing = min(max(0, wanted - len(active)), BURST)
    status, retry_after = count(world, active, now)
    return Plan(
        create=tuple(make_pod(world.raw) for _ in range(missing)),
        created=Note("SuccessfulCreate", "Created pod: {}"),
        patches=(
            *((ref_of(p), adoption(world.raw, p)) for p in world.strays),
            *((ref_of(p), release(world.raw, p)) for p in world.estranged),
        ),
        gone=tuple(ref_of(p) for p in surplus),
        status=status,
        notes=tuple(Note("SuccessfulDelete", f"Deleted pod: {p['metadata']['name']}") for p in surplus),
        retry_after=retry_after,
    )


def usefulness(pod: Json) -> tuple[Any, ...]:
    """Sorts pods in the order in which they may go: unplaced, pending, not ready, cheap, young first."""
    status = pod.get("status") or {}
    restarts = max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0)
    created = pod["metadata"].get("creationTimestamp")
    return (
        bool((pod.get("spec") or {}).get("nodeName")),
        _PHASES.get(status.get("phase", "Pending"), 0),
        is_ready(pod),
        _cost(pod),
        -ready_since(pod) if is_ready(pod) else 0.0,
        -restarts,
        -(epoch(created) if created else 0.0),
        pod["metadata"]["name"],
    )


def _cost(pod: Json) -> int:
    try:
        return int(annotations_of(pod).get(_DELETION_COST, "0"))
    except ValueError:
        return 0


def count(world: World, active: Sequence[Json], now: float) -> tuple[dict[str, Any], float | None]:
    """The status, and when a pod that is ready now becomes available. Zeros but `replicas` are left out."""
    template = ((world.raw["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {}
    waits = [available_in(p, world.spec.spec.min_ready_seconds, now) for p in active]
    soon = [w for w in waits if w]
    counts = {
        "fullyLabeledReplicas": sum(template.items() <= labels_of(p).items() for p in active),
        "readyReplicas": sum(map(is_ready, active)),
        "availableReplicas": sum(w == 0.0 for w in waits),
    }
    status: dict[str, Any] = {"replicas": len(active), **{k: v for k, v in counts.items() if v}}
    status["terminatingReplicas"] = sum(map(is_deleting, world.pods))
    return status, min(soon) if soon else None


def make_pod(workload: Json) -> Json:
    """A pod from the template, to be named by the server."""
    meta, template = workload["metadata"], workload["spec"]["template"]
    given = template.get("metadata") or {}
    kept = {k: given[k] for k in ("labels", "annotations", "finalizers") if given.get(k)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": f"{meta['name']}-", "namespace": meta["namespace"], **kept},
        "spec": template["spec"],
    }


def adoption(workload: Json, pod: Json) -> Json:
    """A patch that makes the workload the pod's controller, if nobody else did meanwhile."""
    owners = list(pod["metadata"].get("ownerReferences") or ())
    version = pod["metadata"].get("resourceVersion")
    return {"metadata": {"ownerReferences": [*owners, owner_reference(workload)], "resourceVersion": version}}


def release(workload: Json, pod: Json) -> Json:
    """A patch that gives up a pod, for instance one that somebody relabelled to look into it."""
    uid, version = workload["metadata"]["uid"], pod["metadata"].get("resourceVersion")
    left = [o for o in pod["metadata"].get("ownerReferences") or () if o["uid"] != uid]
    return {"metadata": {"ownerReferences": left, "resourceVersion": version}}


def wake(pod: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a pod to its ReplicaSet, or, when nobody controls it, to those that select it."""
    owner = controller_of(pod)
    namespace = pod["metadata"].get("namespace", "")
    if owner is not None:
        return (Ref(KIND.id, namespace, owner["name"]),) if owner["kind"] == KIND.name else ()
    found = []
    for raw in snapshot.list(KIND.id, namespace):
        selector = KIND.parse(raw).spec.selector
        if selector is not None and matches(selector, labels_of(pod)):
            found.append(ref_of(raw))
    return found


CONTROLLER = Controller(name="replicaset", kind=KIND.id, wakes={"Pod": wake}, observe=observe, plan=plan)
