"""From a plan and what is stored to the writes that are still missing. Pure.

Nothing is written when the stored objects say everything the plan says and hold nothing else of ours. What
is ours stands in `metadata.managedFields`: a field that our manager set once and that the plan no longer
has calls for an apply, which removes it. Fields of others (defaults, admins) are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

from hauberk.base.conditions import with_times
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Plan
from hauberk.ports import Snapshot


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of an object that has its owner reference, if any."""

    obj: Json


@dataclass(frozen=True, slots=True)
class Create:
    """POST of an object that has its owner reference."""

    obj: Json


@dataclass(frozen=True, slots=True)
class Patch:
    """JSON merge patch."""

    ref: Ref
    patch: Json


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletion of this very object."""

    ref: Ref
    uid: str


@dataclass(frozen=True, slots=True)
class ApplyStatus:
    """Server-side apply of the status."""

    ref: Ref
    status: Json


Write: TypeAlias = Apply | Create | Patch | Delete | ApplyStatus


def owner_reference(parent: Json) -> dict[str, Any]:
    """The reference by which a child names its controller."""
    meta = parent["metadata"]
    return {
        "apiVersion": parent["apiVersion"],
        "kind": parent["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def with_owner(obj: Json, parent: Json) -> dict[str, Any]:
    """The object with `parent` as its controller, beside owners that it names itself."""
    meta = obj["metadata"]
    uid = parent["metadata"]["uid"]
    others = [o for o in meta.get("ownerReferences") or () if o.get("uid") != uid]
    return {**obj, "metadata": {**meta, "ownerReferences": [*others, owner_reference(parent)]}}


def writes(
    plan: Plan, *, parent: Json, owned: Sequence[Json], snapshot: Snapshot, manager: str, now: str
) -> list[Write]:
    """The writes from what is stored to the plan, in order; none when converged.

    Children come before the status, so that a status never claims what is not stored yet. `owned` are
    the objects of owned kinds whose controller is the parent; `now` is RFC 3339.
    """
    have = {ref_of(o): o for o in owned}
    want = {ref_of(obj): with_owner(obj, parent) for obj in plan.children}
    named = {**{ref_of(obj): obj for obj in plan.others}, **want}
    out: list[Write] = [Apply(obj) for ref, obj in named.items() if differs(snapshot.get(ref), obj, manager)]
    out += [Create(with_owner(obj, parent)) for obj in plan.create]
    out += [Patch(ref, patch) for ref, patch in plan.patches]
    out += _deletions(plan, [o for ref, o in have.items() if ref not in want], snapshot)
    status = wanted_status(plan, parent, now)
    if status is not None and status_differs(parent, status, manager):
        out.append(ApplyStatus(ref_of(parent), status))
    return out


def _deletions(plan: Plan, unlisted: Sequence[Json], snapshot: Snapshot) -> list[Write]:
    named = [o for ref in plan.gone if (o := snapshot.get(ref)) is not None]
    found = {o["metadata"]["uid"]: o for o in (*unlisted, *named)}
    return [Delete(ref_of(o), uid) for uid, o in found.items() if not o["metadata"].get("deletionTimestamp")]


def wanted_status(plan: Plan, parent: Json, now: str) -> dict[str, Any] | None:
    """The plan's status with `observedGeneration` and the transition times of its conditions."""
    if plan.status is None:
        return None
    status = dict(plan.status)
    generation = parent["metadata"].get("generation")
    if status.get("observedGeneration", generation) is None:
        status.pop("observedGeneration", None)
    else:
        status.setdefault("observedGeneration", generation)
    if status.get("conditions") is not None:
        stored = (parent.get("status") or {}).get("conditions") or ()
        status["conditions"] = with_times(status["conditions"], stored, now)
    return status


def differs(stored: Json | None, wanted: Json, manager: str) -> bool:
    """Whether an apply of `wanted` would change the stored object."""
    if stored is None:
        return True
    fields = managed_fields(stored, manager, "")
    return not covers(stored, wanted, fields) or holds_more(fields, wanted)


def status_differs(parent: Json, status: Json, manager: str) -> bool:
    """Whether an apply of the status would change the stored object."""
    fields = managed_fields(parent, manager, "status").get("f:status") or {}
    return not covers(parent.get("status"), status, fields) or holds_more(fields, status)


def managed_fields(obj: Json, manager: str, subresource: str) -> Json:
    """The fieldsV1 of what the manager applied; empty when it applied nothing."""
    for entry in obj["metadata"].get("managedFields") or ():
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and (entry.get("subresource") or "") == subresource
        ):
            fields: Json = entry.get("fieldsV1") or {}
            return fields
    return {}


def covers(stored: Any, wanted: Any, fields: Json | None = None) -> bool:
    """Whether `stored` says everything that `wanted` says.

    `fields` (fieldsV1 at this place) tells lists that are maps by key from lists that are one value.
    Values that only `stored` has belong to someone else.
    """
    fields = fields or {}
    if _is_map(wanted):
        return (_is_map(stored) or (stored is None and not wanted)) and all(
            covers((stored or {}).get(k), v, fields.get(f"f:{k}")) for k, v in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return _covers_list(stored or (), wanted, fields)
    return bool(stored == wanted)


def _covers_list(stored: Sequence[Any], wanted: Sequence[Any], fields: Json) -> bool:
    keys = [key for key in fields if key.startswith("k:")]
    if keys:
        names = tuple(_decoded(keys[0][2:]))
        return all(any(_same_key(s, w, names) and covers(s, w) for s in stored) for w in wanted)
    if any(key.startswith("v:") for key in fields):
        return all(w in stored for w in wanted)
    return len(stored) == len(wanted) and all(covers(s, w) for s, w in zip(stored, wanted, strict=True))


def _same_key(stored: Any, wanted: Any, names: Sequence[str]) -> bool:
    """A key that `wanted` leaves to defaulting matches whatever is stored."""
    return all(name not in wanted or stored.get(name) == wanted[name] for name in names)


def holds_more(fields: Json, wanted: Any) -> bool:
    """Whether the manager owns a field that `wanted` does not have."""
    for key, below in fields.items():
        mark, _, name = key.partition(":")
        if mark == "f":
            if not _is_map(wanted) or name not in wanted:
                return True
            if holds_more(below, wanted[name]):
                return True
        elif mark == "k":
            item = _item(wanted, _decoded(name))
            if item is None or holds_more({k: v for k, v in below.items() if k != "."}, _keyed(item, name)):
                return True
        elif mark == "v" and _decoded(name) not in (wanted or ()):
            return True
    return False


def _item(wanted: Any, key: Mapping[str, Any]) -> Any | None:
    for item in wanted or ():
        if _is_map(item) and all(n not in item or item[n] == v for n, v in key.items()):
            return item
    return None


def _keyed(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The item with the parts of its key that defaulting added."""
    return {**_decoded(name), **item}


@lru_cache(maxsize=8192)
def _decoded(text: str) -> Any:
    """The JSON in a fieldsV1 key. Callers do not change it."""
    return json.loads(text)


_PLAIN = frozenset((str, int, float, bool, list, tuple, type(None)))


def _is_map(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether this is a mapping. Asking the abstract class about every string took a tenth of a reconcile."""
    kind = type(value)
    return kind is dict or (kind not in _PLAIN and isinstance(value, Mapping))
