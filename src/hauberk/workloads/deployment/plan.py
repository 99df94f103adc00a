"""Deployment → the complete set of its ReplicaSets, its revision, its status. Pure.

Source: kubernetes pkg/controller/deployment/deployment_controller.go (syncDeployment), sync.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hauberk.base.refs import Json, annotations_of
from hauberk.engine.plan import Note, Plan
from hauberk.workloads.deployment.make import keep_set, make_set, same_template, template_hash
from hauberk.workloads.deployment.rolling import Limits, Size, limits, recreate, rescale, roll
from hauberk.workloads.deployment.status import report
from hauberk.workloads.deployment.world import DESIRED, HASH_LABEL, MAXIMUM, REVISION, Set, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The set of the present template: stored already, or to be made."""

    name: str
    marker: str
    stored: Set | None
    collisions: int


def plan(world: World, now: float) -> Plan:
    """Decide sizes, make the missing set, drop old revisions."""
    spec = world.deployment.spec
    limit = limits(world.replicas, spec.strategy)
    target = find_target(world)
    old = [s for s in world.sets if s.name != target.name]
    sizes = decide(world, limit, target, old)
    makes = target.stored is None and target.name in sizes
    revision = _revision(target, old)
    marks = {DESIRED: str(world.replicas), MAXIMUM: str(limit.most if world.replicas else 0)}
    done = report(world, limit, target.name, makes, target.collisions, now)
    children = [
        keep_set(s, sizes.get(s.name, s.replicas), marks if _active(s, sizes) else {})
        for s in kept(world, old, target)
    ]
    if makes or target.stored is not None:
        size = sizes.get(target.name, target.stored.replicas if target.stored else 0)
        notes = {**marks, REVISION: str(revision)}
        children.append(make_set(world.raw, target.name, target.marker, size, notes))
    return Plan(
        children=tuple(children),
        others=_revision_mark(world, revision) if makes or target.stored is not None else (),
        status=done.status,
        notes=tuple(_scaled(world.sets, sizes)),
        retry_after=done.retry_after,
    )


def find_target(world: World) -> Target:
    """The set of the present template; a new name when there is none, free of collisions."""
    stored = next((s for s in world.sets if same_template(world.raw, s.raw)), None)
    collisions = world.deployment.status.collision_count or 0
    if stored is not None:
        marker = stored.raw["metadata"]["labels"].get(HASH_LABEL, "")
        return Target(name=stored.name, marker=marker, stored=stored, collisions=collisions)
    taken = {s.name for s in world.sets}
    template = world.raw["spec"]["template"]
    while True:
        marker = template_hash(template, collisions)
        name = f"{world.raw['metadata']['name']}-{marker}"
        if name not in taken:
            return Target(name=name, marker=marker, stored=None, collisions=collisions)
        collisions += 1


def decide(world: World, limit: Limits, target: Target, old: Sequence[Set]) -> Mapping[str, int]:
    """The sizes that change. A set that is missing from `world` and named here is to be made."""
    spec = world.deployment.spec
    sizes = [_size(s) for s in world.sets]
    newest = _size(target.stored) if target.stored else None
    resized = any(s.replicas and s.desired not in (None, world.replicas) for s in world.sets)
    if spec.paused or (resized and newest is not None):
        return rescale(limit, sizes, newest)
    new = newest or Size(name=target.name, replicas=0, available=0, pods=0)
    step = recreate if spec.strategy.type == "Recreate" else roll
    out = dict(step(limit, new, [_size(s) for s in old]))
    if target.stored is None and not (spec.strategy.type == "Recreate" and _lingering(old)):
        out.setdefault(target.name, 0)
    return out


def _lingering(old: Sequence[Set]) -> bool:
    return any(s.replicas or s.pods for s in old)


def _size(s: Set) -> Size:
    return Size(name=s.name, replicas=s.replicas, available=s.available, pods=s.pods)


def _active(s: Set, sizes: Mapping[str, int]) -> bool:
    """Sets that have or had pods carry the Deployment's size; idle ones stay as they are."""
    return bool(s.replicas or sizes.get(s.name))


def kept(world: World, old: Sequence[Set], target: Target) -> Sequence[Set]:
    """Old sets without those beyond the history limit, once the rollout is complete."""
    limit = world.deployment.spec.revision_history_limit
    new = target.stored
    if limit is None or new is None or not (new.replicas == new.available == world.replicas):
        return old
    idle = [s for s in old if not s.replicas and not s.exist and not s.pods]
    surplus = sorted(idle, key=lambda s: s.revision)[: max(0, len(idle) - limit)]
    dropped = {s.name for s in surplus}
    return [s for s in old if s.name not in dropped]


def _revision(target: Target, old: Sequence[Set]) -> int:
    highest = max((s.revision for s in old), default=0)
    mine = target.stored.revision if target.stored else 0
    return mine if mine > highest else highest + 1


def _revision_mark(world: World, revision: int) -> tuple[Json, ...]:
    """The Deployment's own annotation, which `kubectl rollout history` reads."""
    if annotations_of(world.raw).get(REVISION) == str(revision):
        return ()
    meta = world.raw["metadata"]
    mark = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "annotations": {REVISION: str(revision)},
        },
    }
    return (mark,)


def _scaled(sets: Sequence[Set], sizes: Mapping[str, int]) -> list[Note]:
    had = {s.name: s.replicas for s in sets}
    out = []
    for name, to in sizes.items():
        before = had.get(name, 0)
        if before != to:
            way = "up" if to > before else "down"
            message = f"Scaled {way} replica set {name} from {before} to {to}"
            out.append(Note("ScalingReplicaSet", message))
    return out
