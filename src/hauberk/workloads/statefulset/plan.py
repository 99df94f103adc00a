"""StatefulSet → the next step: one pod at a time in order, or all at once. Pure.

| policy       | create                                 | scale down                   | update          |
|--------------|----------------------------------------|------------------------------|-----------------|
| OrderedReady | the next when all before are available | the highest, rest is healthy | the highest old |
| Parallel     | all                                    | all                          | the highest old |

Source: kubernetes pkg/controller/statefulset/stateful_set_control.go, updateStatefulSet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.refs import Json, Ref, is_deleting, labels_of, ref_of
from hauberk.engine.plan import Note, Plan
from hauberk.workloads.pods import ENDED, available_in, is_ready
from hauberk.workloads.replicaset import adoption
from hauberk.workloads.revisions import HASH, History, history, within
from hauberk.workloads.statefulset import make
from hauberk.workloads.statefulset.world import World


@dataclass(slots=True)
class Moves:
    """What the step consists of, gathered in order."""

    create: list[Json] = field(default_factory=list)
    delete: list[Json] = field(default_factory=list)
    claims: list[Json] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


def plan(world: World, now: float) -> Plan:
    """The next step of a StatefulSet."""
    past = history(world.raw, world.revisions)
    moves = Moves()
    ordered = world.spec.pod_management_policy != "Parallel"
    if (
        _fill(world, past, moves, now, ordered=ordered)
        and _condemn(world, moves, ordered=ordered)
        and not (ordered and moves.delete)
    ):
        _update(world, past, moves, now)
    live = {labels_of(p).get(HASH, "") for p in world.pods}
    kept = within(past, {*live, world.status.get("currentRevision", "")}, world.spec.revision_history_limit)
    name = world.raw["metadata"]["name"]
    return Plan(
        children=kept,
        others=tuple(moves.claims),
        create=tuple(moves.create),
        created=Note("SuccessfulCreate", f"create Pod {{}} in StatefulSet {name} successful"),
        gone=tuple(ref_of(p) for p in moves.delete),
        patches=(*((ref_of(p), adoption(world.raw, p)) for p in world.strays), *_owners(world)),
        status=_status(world, past, now),
        notes=(*_claim_notes(moves, name), *_deleted_notes(moves, name)),
        retry_after=min(moves.waits, default=None),
    )


def _fill(world: World, past: History, moves: Moves, now: float, *, ordered: bool) -> bool:
    """Make the pods that are missing; False: wait here."""
    for ordinal in world.ordinals:
        pod = world.by_ordinal.get(ordinal)
        if pod is None:
            _make(world, past, ordinal, moves)
            if ordered:
                return False
        elif (pod.get("status") or {}).get("phase") in ENDED and not is_deleting(pod):
            moves.delete.append(pod)
            if ordered:
                return False
        elif ordered and (is_deleting(pod) or not _available(world, pod, moves, now)):
            return False
    return True


def _available(world: World, pod: Json, moves: Moves, now: float) -> bool:
    wait = available_in(pod, world.spec.min_ready_seconds, now)
    if wait:
        moves.waits.append(wait + 0.01)
    return wait == 0.0


def _make(world: World, past: History, ordinal: int, moves: Moves) -> None:
    moves.create.append(make.make_pod(world.raw, _revision_for(world, past, ordinal), ordinal))
    for template in make.templates(world.raw):
        if make.claim_name(template, world.raw, ordinal) not in world.claims:
            moves.claims.append(make.make_claim(template, world.raw, ordinal))


def _revision_for(world: World, past: History, ordinal: int) -> Json:
    """The present template; below the partition (OnDelete: among the old ones) that which was there."""
    current = past.named(world.status.get("currentRevision", ""))
    if current is None:
        return past.update
    below = world.partition if world.rolls else world.status.get("currentReplicas", 0)
    return current if ordinal < world.start + below else past.update


def _condemn(world: World, moves: Moves, *, ordered: bool) -> bool:
    """Delete pods beyond the wanted number, the highest first; False: wait here."""
    unhealthy = [p for p in world.mine if not is_ready(p) or is_deleting(p)]
    for pod in world.condemned:
        if is_deleting(pod):
            if ordered:
                return False
            continue
        if ordered and not is_ready(pod) and any(u is not pod for u in unhealthy[:1]):
            return False
        moves.delete.append(pod)
        if ordered:
            return False
    return True


def _update(world: World, past: History, moves: Moves, now: float) -> None:
    """Delete the highest pod of an old template, when those above it are available."""
    if not world.rolls:
        return
    update = past.update["metadata"]["name"]
    for ordinal in reversed(world.ordinals):
        pod = world.by_ordinal.get(ordinal)
        if ordinal < world.start + world.partition:
            return
        if pod is None or is_deleting(pod):
            return
        if labels_of(pod).get(HASH) != update:
            if pod not in moves.delete:
                moves.delete.append(pod)
            return
        if not _available(world, pod, moves, now):
            return


def _owners(world: World) -> list[tuple[Ref, Json]]:
    """Patches that say who takes a claim along."""
    if "persistentVolumeClaimRetentionPolicy" not in world.raw["spec"]:
        return []
    condemned = {make.ordinal_of(world.raw, p): p for p in world.condemned}
    out: list[tuple[Ref, Json]] = []
    for ordinal in {*world.ordinals, *condemned}:
        for ref in make.claim_refs(world.raw, ordinal):
            claim = world.claims.get(ref.name)
            if claim is None:
                continue
            wanted = make.owners_wanted(world.raw, claim, condemned.get(ordinal))
            if wanted != list(claim["metadata"].get("ownerReferences") or ()):
                version = claim["metadata"].get("resourceVersion")
                out.append((ref, {"metadata": {"ownerReferences": wanted, "resourceVersion": version}}))
    return out


def _claim_notes(moves: Moves, name: str) -> list[Note]:
    pods = [p["metadata"]["name"] for p in moves.create]
    return [
        Note(
            "SuccessfulCreate",
            f"create Claim {c['metadata']['name']} Pod {pod} in StatefulSet {name} success",
        )
        for c in moves.claims
        for pod in pods
        if c["metadata"]["name"].endswith(f"-{pod}")
    ]


def _deleted_notes(moves: Moves, name: str) -> list[Note]:
    return [
        Note("SuccessfulDelete", f"delete Pod {p['metadata']['name']} in StatefulSet {name} successful")
        for p in moves.delete
    ]


def _status(world: World, past: History, now: float) -> dict[str, Any]:
    update = past.update["metadata"]["name"]
    current = world.status.get("currentRevision") or update
    if past.named(current) is None:
        current = update
    alive = [p for p in world.mine if (p.get("status") or {}).get("phase") not in ENDED]
    numbers = _count(world, alive, current, update, now)
    complete = numbers["updatedReplicas"] == numbers["replicas"] == numbers["readyReplicas"] == world.replicas
    if world.rolls and current != update and complete:
        current, numbers["currentReplicas"] = update, numbers["updatedReplicas"]
    return {
        "collisionCount": 0,
        "replicas": numbers["replicas"],
        "availableReplicas": numbers["availableReplicas"],
        **{k: v for k, v in numbers.items() if v and k not in ("replicas", "availableReplicas")},
        "currentRevision": current,
        "updateRevision": update,
    }


def _count(world: World, alive: Sequence[Json], current: str, update: str, now: float) -> dict[str, int]:
    def of(revision: str) -> int:
        return sum(labels_of(p).get(HASH) == revision and not is_deleting(p) for p in alive)

    waits: Mapping[str, float | None] = {
        p["metadata"]["name"]: available_in(p, world.spec.min_ready_seconds, now) for p in alive
    }
    return {
        "replicas": len(alive),
        "readyReplicas": sum(map(is_ready, alive)),
        "availableReplicas": sum(w == 0.0 for w in waits.values()),
        "currentReplicas": of(current),
        "updatedReplicas": of(update),
    }
