"""Garbage collection: what is left when owners and namespaces go.

| object                                             | what happens                                        |
|----------------------------------------------------|-----------------------------------------------------|
| all owners are gone                                | it is deleted                                       |
| some owners are gone, some live                    | references to those that are gone are removed       |
| being deleted with finalizer `orphan`              | its references are removed from dependents, then it |
| being deleted with finalizer `foregroundDeletion`  | its dependents are deleted first, then it           |
| a namespace that is being deleted                  | its content is deleted first, then it               |

An owner is known by its uid: another object of the same name is not the owner.

Source: kubernetes pkg/controller/garbagecollector/garbagecollector.go (attemptToDeleteItem,
processGraphChanges); pkg/controller/namespace/deletion/namespaced_resources_deleter.go,
status_condition_utils.go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.apierrors import ApiError, Conflict, NotFound
from hauberk.base.conditions import Condition, with_times
from hauberk.base.refs import Json, Ref, is_deleting, kind_of, ref_of
from hauberk.base.times import rfc3339
from hauberk.engine.follow import follow
from hauberk.engine.queue import WorkQueue
from hauberk.kinds import KINDS
from hauberk.ports import Api, Clock, Snapshot, WatchEvent

log = logging.getLogger(__name__)

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
_WORKERS = 8
_DEFINITION = "CustomResourceDefinition.apiextensions.k8s.io"


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete this very object."""

    ref: Ref
    uid: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A merge patch, guarded by the version that was read."""

    ref: Ref
    patch: Json
    subresource: str = ""


Step = Remove | Rewrite


def is_live(snapshot: Snapshot, owner: Json, namespace: str) -> bool:
    """Whether the object that an owner reference names is still there."""
    kind = kind_of(owner)
    for space in {namespace, ""}:
        found = snapshot.get(Ref(kind, space, owner["name"]))
        if found is not None and found["metadata"].get("uid") == owner["uid"]:
            return True
    return False


def steps_for(snapshot: Snapshot, obj: Json, kinds: Collection[str]) -> list[Step]:
    """What garbage collection does about one object now. Pure; `kinds` are all kinds there are."""
    meta = obj["metadata"]
    finalizers = meta.get("finalizers") or ()
    if is_deleting(obj):
        if ORPHAN in finalizers:
            return list(_orphan(snapshot, obj, kinds))
        if FOREGROUND in finalizers:
            return list(_foreground(snapshot, obj, kinds))
        return []
    owners: Sequence[Json] = meta.get("ownerReferences") or ()
    if not owners:
        return []
    live = [o for o in owners if is_live(snapshot, o, meta.get("namespace", ""))]
    if not live:
        return [Remove(ref_of(obj), meta["uid"])]
    if len(live) < len(owners):
        return [Rewrite(ref_of(obj), _guarded(obj, {"ownerReferences": live}))]
    waiting = [o for o in live if _waits(snapshot, o, meta.get("namespace", ""))]
    return [_in_turn(snapshot, obj, kinds)] if len(waiting) == len(live) else []


def _in_turn(snapshot: Snapshot, child: Json, kinds: Collection[str]) -> Step:
    """Delete a dependent in the foreground: if it has dependents of its own, it waits for them first."""
    meta = child["metadata"]
    finalizers = list(meta.get("finalizers") or ())
    if FOREGROUND not in finalizers and snapshot.owned_by(meta["uid"], kinds):
        return Rewrite(ref_of(child), _guarded(child, {"finalizers": [*finalizers, FOREGROUND]}))
    return Remove(ref_of(child), meta["uid"])


def _waits(snapshot: Snapshot, owner: Json, namespace: str) -> bool:
    """Whether an owner is being deleted and waits for its dependents."""
    kind = kind_of(owner)
    found = snapshot.get(Ref(kind, namespace, owner["name"])) or snapshot.get(Ref(kind, "", owner["name"]))
    return (
        found is not None and is_deleting(found) and FOREGROUND in (found["metadata"].get("finalizers") or ())
    )


def _guarded(obj: Json, meta: Mapping[str, Any]) -> Json:
    return {"metadata": {**meta, "resourceVersion": obj["metadata"].get("resourceVersion")}}


def _without(obj: Json, finalizer: str) -> Rewrite:
    left = [f for f in obj["metadata"].get("finalizers") or () if f != finalizer]
    return Rewrite(ref_of(obj), _guarded(obj, {"finalizers": left}))


def _orphan(snapshot: Snapshot, obj: Json, kinds: Collection[str]) -> Iterator[Step]:
    uid = obj["metadata"]["uid"]
    for child in snapshot.owned_by(uid, kinds):
        left = [o for o in child["metadata"]["ownerReferences"] if o["uid"] != uid]
        yield Rewrite(ref_of(child), _guarded(child, {"ownerReferences": left}))
    yield _without(obj, ORPHAN)


def _foreground(snapshot: Snapshot, obj: Json, kinds: Collection[str]) -> Iterator[Step]:
    uid = obj["metadata"]["uid"]
    children = snapshot.owned_by(uid, kinds)
    blocking = [c for c in children if _blocks(c, uid)]
    if not blocking:
        yield _without(obj, FOREGROUND)
        return
    for child in children:
        others = [o for o in child["metadata"]["ownerReferences"] if o["uid"] != uid]
        held = any(is_live(snapshot, o, child["metadata"].get("namespace", "")) for o in others)
        if not held and not is_deleting(child):
            yield _in_turn(snapshot, child, kinds)


def _blocks(child: Json, uid: str) -> bool:
    return any(o["uid"] == uid and o.get("blockOwnerDeletion") for o in child["metadata"]["ownerReferences"])


def content_of(snapshot: Snapshot, namespace: str, kinds: Iterable[str]) -> list[Json]:
    """Everything in a namespace."""
    return [obj for kind in kinds for obj in snapshot.list(kind, namespace)]


def namespace_steps(snapshot: Snapshot, obj: Json, kinds: Collection[str], now: str) -> list[Step]:
    """Delete what a namespace that is being deleted still holds; then let it go."""
    ref = ref_of(obj)
    content = content_of(snapshot, ref.name, kinds)
    if not content:
        return [Rewrite(ref, {"spec": {"finalizers": []}}, "finalize")]
    todo: list[Step] = [Remove(ref_of(o), o["metadata"]["uid"]) for o in content if not is_deleting(o)]
    status = {"phase": "Terminating", "conditions": namespace_conditions(obj, content, now)}
    if (obj.get("status") or {}) != status:
        todo.append(Rewrite(ref, {"status": status}, "status"))
    return todo


def namespace_conditions(obj: Json, content: Sequence[Json], now: str) -> list[dict[str, Any]]:
    """What `kubectl describe namespace` says while its content goes."""
    counts: dict[str, int] = {}
    finalizers: dict[str, int] = {}
    for item in content:
        name = resource_of(kind_of(item))
        counts[name] = counts.get(name, 0) + 1
        for finalizer in item["metadata"].get("finalizers") or ():
            finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
    remaining = ", ".join(f"{name} has {n} resource instances" for name, n in sorted(counts.items()))
    held = ", ".join(f"{name} in {n} resource instances" for name, n in sorted(finalizers.items()))
    rows = [
        Condition("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered",
                  "All resources successfully discovered"),
        Condition("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
                  "All legacy kube types successfully parsed"),
        Condition("NamespaceDeletionContentFailure", "False", "ContentDeleted",
                  "All content successfully deleted, may be waiting on finalization"),
        Condition("NamespaceContentRemaining", "True", "SomeResourcesRemain",
                  f"Some resources are remaining: {remaining}"),
        Condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
                  f"Some content in the namespace has finalizers remaining: {held}")
        if held
        else Condition("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers",
                       "All content-preserving finalizers finished"),
    ]  # fmt: skip
    return with_times([r.as_json() for r in rows], (obj.get("status") or {}).get("conditions") or (), now)


def resource_of(kind: str) -> str:
    """`Pod` → `pods.`, `Deployment.apps` → `deployments.apps`, as upstream's messages say it."""
    known = _PLURALS.get(kind)
    name, _, group = kind.partition(".")
    return f"{known or name.lower() + 's'}.{group}"


_PLURALS = {k.id: k.plural for k in KINDS}


def _of_users(snapshot: Snapshot) -> Iterator[tuple[str, bool]]:
    """Kinds that users defined, and whether their objects are in namespaces."""
    for crd in snapshot.list(_DEFINITION):
        spec = crd["spec"]
        yield f"{spec['names']['kind']}.{spec['group']}", spec["scope"] == "Namespaced"


class GarbageCollector:
    """Follows every change and takes the steps."""

    def __init__(self, api: Api, clock: Clock, kinds: Iterable[str] = ()) -> None:
        self._api, self._clock = api, clock
        self._kinds: set[str] = {*(k.id for k in KINDS), *kinds}
        self._namespaced = {k.id for k in KINDS if k.namespaced}
        self.queue: WorkQueue[Ref] = WorkQueue(clock)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WORKERS):
                tasks.create_task(self._work(tasks))
            tasks.create_task(follow(self._api, None, self._begin, self._notice))

    def _begin(self, snapshot: Snapshot) -> None:
        for kind, namespaced in _of_users(snapshot):
            self._kinds.add(kind)
            if namespaced:
                self._namespaced.add(kind)
        for kind in sorted(self._kinds):
            for obj in snapshot.list(kind):
                self._look(obj)

    def _look(self, obj: Json) -> None:
        """Queue an object that may need a step."""
        meta = obj["metadata"]
        if meta.get("ownerReferences") or (
            is_deleting(obj) and (kind_of(obj) == "Namespace" or meta.get("finalizers"))
        ):
            self.queue.add(ref_of(obj))

    def _notice(self, event: WatchEvent) -> None:
        obj, snapshot = event.obj, self._api.snapshot()
        meta, kind = obj["metadata"], kind_of(obj)
        self._kinds.add(kind)
        namespace = meta.get("namespace")
        if namespace:
            self._namespaced.add(kind)
        if event.type != "DELETED":
            self._look(obj)
        if event.type != "MODIFIED":
            self._wake_namespace(snapshot, namespace)
        if event.type == "DELETED":
            for child in snapshot.owned_by(meta["uid"], self._kinds):
                self.queue.add(ref_of(child))
            for owner in meta.get("ownerReferences") or ():
                for space in {namespace or "", ""}:
                    self.queue.add(Ref(kind_of(owner), space, owner["name"]))

    def _wake_namespace(self, snapshot: Snapshot, namespace: str | None) -> None:
        if not namespace:
            return
        ref = Ref("Namespace", "", namespace)
        found = snapshot.get(ref)
        if found is not None and is_deleting(found):
            self.queue.add(ref)

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            ref = await self.queue.take()
            try:
                await self._one(ref)
            except Exception as error:
                delay = self.queue.fail(ref)
                expected = isinstance(error, ApiError)
                log.log(
                    logging.DEBUG if expected else logging.ERROR,
                    "garbage collection is repeated",
                    extra={"ref": str(ref), "error": str(error)},
                    exc_info=None if expected else error,
                )
                self.queue.add_after(ref, delay, tasks)
            else:
                self.queue.forget(ref)
            finally:
                self.queue.done(ref)

    async def _one(self, ref: Ref) -> None:
        snapshot = self._api.snapshot()
        obj = snapshot.get(ref)
        if obj is None:
            return
        if ref.kind == "Namespace" and is_deleting(obj):
            now = rfc3339(self._clock.now())
            steps = namespace_steps(snapshot, obj, sorted(self._namespaced), now)
        else:
            steps = steps_for(snapshot, obj, self._kinds)
        # The last step may depend on the others, for instance the finalizer that held them together.
        await asyncio.gather(*map(self._take, steps[:-1]))
        for step in steps[-1:]:
            await self._take(step)

    async def _take(self, step: Step) -> None:
        match step:
            case Remove(ref, uid):
                try:
                    await self._api.delete(ref, uid=uid)
                except (NotFound, Conflict) as gone:
                    log.debug("gone already", extra={"ref": str(ref), "error": str(gone)})
            case Rewrite(ref, patch, subresource):
                try:
                    await self._api.patch(ref, patch, manager="hauberk-gc", subresource=subresource)
                except NotFound:
                    log.debug("gone already", extra={"ref": str(ref)})
