"""DaemonSet → a pod on each node that its template allows. Pure.

Source: kubernetes pkg/controller/daemon/daemon_controller.go (manage, podsShouldBeOnNode,
updateDaemonSetStatus), update.go (rollingUpdate); util/daemonset_util.go (AddOrUpdateDaemonPodTolerations).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.refs import Json, Ref, controller_of, is_deleting, labels_of, ref_of
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.kinds.apps.daemonset import KIND, DaemonSetSpec
from hauberk.kinds.apps.selector import matches
from hauberk.ports import Snapshot
from hauberk.workloads.pods import ENDED, available_in, is_active, is_ready, pods_of
from hauberk.workloads.revisions import HASH, REVISION_KIND, History, history, revisions_of, within

GENERATION = "pod-template-generation"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A DaemonSet, the nodes, its pods and revisions."""

    raw: Json
    spec: DaemonSetSpec
    nodes: Sequence[Json]
    pods: Sequence[Json]
    revisions: Sequence[Json]


@dataclass(slots=True)
class Moves:
    """What the step consists of."""

    create: list[Json] = field(default_factory=list)
    delete: list[Json] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a DaemonSet and what belongs to it."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    spec = KIND.parse(raw).spec
    assert spec.selector is not None, "validation requires a selector"
    pods = tuple(p for p in pods_of(snapshot, raw) if matches(spec.selector, labels_of(p)))
    nodes = tuple(snapshot.list("Node"))
    return World(raw=raw, spec=spec, nodes=nodes, pods=pods, revisions=revisions_of(snapshot, raw))


def plan(world: World, now: float) -> Plan:
    """The next step of a DaemonSet."""
    past, moves = history(world.raw, world.revisions), Moves()
    wanted = [n for n in world.nodes if _allows(world, n)]
    names = {n["metadata"]["name"] for n in wanted}
    for node in wanted:
        _on(world, past, node["metadata"]["name"], moves, now)
    misplaced = [p for p in world.pods if is_active(p) and node_of(p) not in (*names, "")]
    moves.delete += misplaced
    live = {
        r["metadata"]["name"]
        for r in past.all
        for p in world.pods
        if labels_of(p).get(HASH) == labels_of(r).get(HASH)
    }
    return Plan(
        children=within(past, live, world.spec.revision_history_limit),
        create=tuple(moves.create),
        created=Note("SuccessfulCreate", "Created pod: {}"),
        gone=tuple(ref_of(p) for p in moves.delete),
        status=_status(world, past, names, len(misplaced), now),
        notes=(
            *moves.notes,
            *(Note("SuccessfulDelete", f"Deleted pod: {p['metadata']['name']}") for p in moves.delete),
        ),
        retry_after=min(moves.waits, default=None),
    )


def _allows(world: World, node: Json) -> bool:
    """Whether the template's node selector fits the node."""
    wanted: Mapping[str, str] = (world.raw["spec"]["template"].get("spec") or {}).get("nodeSelector") or {}
    return all(labels_of(node).get(k) == v for k, v in wanted.items())


def node_of(pod: Json) -> str:
    """The node that the pod is on, or is meant for."""
    spec = pod.get("spec") or {}
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for row in term.get("matchFields") or ():
            if row.get("key") == "metadata.name" and row.get("values"):
                return str(row["values"][0])
    return ""


def _on(world: World, past: History, node: str, moves: Moves, now: float) -> None:
    """One node: make its pod, replace a failed one, roll an old one."""
    here = [p for p in world.pods if node_of(p) == node and not is_deleting(p)]
    for pod in here:
        if (pod.get("status") or {}).get("phase") in ENDED:
            who = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            text = f"Found failed daemon pod {who} on node {node}, will try to kill it"
            moves.notes.append(Note("FailedDaemonPod", text, "Warning"))
            moves.delete.append(pod)
    alive = [p for p in here if p not in moves.delete]
    marker = labels_of(past.update).get(HASH, "")
    new = [p for p in alive if labels_of(p).get(HASH) == marker]
    old = [p for p in alive if p not in new]
    strategy = world.spec.update_strategy or {}
    rolls = strategy.get("type") != "OnDelete"
    surge = rolls and (strategy.get("rollingUpdate") or {}).get("maxSurge") not in (None, 0, "0%")
    leaving = any(is_deleting(p) and node_of(p) == node for p in world.pods)
    moves.delete += sorted(new, key=lambda p: str(p["metadata"].get("creationTimestamp")))[1:]
    if (not alive and (not leaving or surge)) or (old and rolls and not new and surge):
        moves.create.append(make_pod(world.raw, marker, node))
    elif old and rolls and (not surge or _available(world, new, moves, now)):
        moves.delete += old


def _available(world: World, pods: Sequence[Json], moves: Moves, now: float) -> bool:
    waits = [available_in(p, world.spec.min_ready_seconds, now) for p in pods]
    moves.waits += [w + 0.01 for w in waits if w]
    return any(w == 0.0 for w in waits)


def make_pod(workload: Json, marker: str, node: str) -> Json:
    """The pod for a node."""
    meta, template = workload["metadata"], workload["spec"]["template"]
    given, spec = template.get("metadata") or {}, dict(template.get("spec") or {})
    labels = {
        **(given.get("labels") or {}),
        HASH: marker,
        GENERATION: str(meta.get("generation", 1)),
    }
    made: dict[str, Any] = {"generateName": f"{meta['name']}-", "namespace": meta["namespace"]}
    made |= {k: given[k] for k in ("annotations", "finalizers") if given.get(k)}
    spec["affinity"] = _affinity(spec.get("affinity") or {}, node)
    said = spec.get("tolerations") or []
    known = {(t.get("key"), t.get("effect")) for t in said}
    spec["tolerations"] = [
        *said,
        *({"key": k, "operator": "Exists", "effect": e} for k, e in _TOLERATED if (k, e) not in known),
    ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**made, "labels": labels}, "spec": spec}


def _affinity(said: Json, node: str) -> Json:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    here = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {**said, "nodeAffinity": here}


def _status(world: World, past: History, names: set[str], misplaced: int, now: float) -> dict[str, Any]:
    here: dict[str, Json] = {}
    for pod in sorted(world.pods, key=lambda p: str(p["metadata"].get("creationTimestamp"))):
        if is_active(pod) and node_of(pod) in names:
            here[node_of(pod)] = pod
    marker = labels_of(past.update).get(HASH)
    pods = list(here.values())
    available = sum(available_in(p, world.spec.min_ready_seconds, now) == 0.0 for p in pods)
    optional = {
        "updatedNumberScheduled": sum(labels_of(p).get(HASH) == marker for p in pods),
        "numberAvailable": available,
        "numberUnavailable": len(names) - available,
    }
    return {
        "currentNumberScheduled": len(pods),
        "numberMisscheduled": misplaced,
        "desiredNumberScheduled": len(names),
        "numberReady": sum(map(is_ready, pods)),
        **{k: v for k, v in optional.items() if v},
    }


def wake(pod: Json, _: Snapshot) -> Sequence[Ref]:
    """From a pod to its DaemonSet."""
    owner = controller_of(pod)
    if owner is None or owner["kind"] != KIND.name:
        return ()
    return (Ref(KIND.id, pod["metadata"].get("namespace", ""), owner["name"]),)


def wake_all(_node: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a node to all DaemonSets that have no pod yet."""
    return [
        ref_of(d) for d in snapshot.list(KIND.id) if not (d.get("status") or {}).get("desiredNumberScheduled")
    ]


CONTROLLER = Controller(
    name="daemonset",
    kind=KIND.id,
    owns=(REVISION_KIND,),
    wakes={"Pod": wake, "Node": wake_all},
    observe=observe,
    plan=plan,
)
"""The pods and revisions of a DaemonSet."""
