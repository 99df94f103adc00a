"""Who set which field: `metadata.managedFields`.

Source: apimachinery pkg/util/managedfields/internal (fieldmanager.go, structuredmerge.go,
stripmeta.go, skipnonapplied.go, conflict.go); structured-merge-diff merge/update.go.
Deviation: fields that defaulting or admission add to an applied object belong to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hauberk.apiserver import ownership
from hauberk.apiserver.ownership import Changes, Fields
from hauberk.base.apierrors import Conflict
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json
from hauberk.kinds.shape import Shape

Operation = Literal["Apply", "Update"]

_STRIPPED = frozenset({
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
    "managedFields", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Writer:
    """One writer, as an entry of managedFields names it."""

    manager: str
    operation: Operation
    api_version: str
    subresource: str = ""

    def owns(self, entry: Json) -> bool:
        """Whether the entry is this writer's."""
        return (
            entry.get("manager") == self.manager
            and entry.get("operation") == self.operation
            and entry.get("subresource", "") == self.subresource
        )

    def entry(self, fields: Fields, now: str) -> dict[str, Any]:
        """The entry of managedFields."""
        row: dict[str, Any] = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": now,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
        return {**row, "subresource": self.subresource} if self.subresource else row


def owned_part(obj: Json) -> dict[str, Any]:
    """What of an object can have an owner."""
    out = {k: v for k, v in obj.items() if k not in ("apiVersion", "kind", "metadata")}
    meta = {k: v for k, v in obj["metadata"].items() if k not in _STRIPPED}
    return {"metadata": meta, **out} if meta else out


def set_of(obj: Json, shape: Shape) -> Fields:
    """The fields that an object says something about."""
    return ownership.field_set(owned_part(obj), shape)


def after_update(
    entries: Sequence[Json], old: Json | None, new: Json, writer: Writer, shape: Shape, now: str
) -> list[Json]:
    """The entries after a create, update or patch: the writer owns what it changed."""
    if old is None:
        fields = set_of(new, shape)
        return [writer.entry(fields, now)] if fields else []
    changes = ownership.compare(owned_part(old), owned_part(new), shape) or Changes()
    if not changes.changed and not changes.removed:
        return list(entries)
    out: list[Json] = []
    own: Fields = {}
    for entry in entries:
        left = ownership.minus(ownership.minus(_fields(entry), changes.changed), changes.removed)
        if writer.owns(entry):
            own = ownership.union(own, left)
        elif left:
            out.append(entry if left == entry["fieldsV1"] else {**entry, "fieldsV1": left})
    own = ownership.union(own, changes.changed)
    return [*out, writer.entry(own, now)] if own else out


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of server-side apply, before defaults and admission."""

    obj: dict[str, Any]
    entries: list[Json]


def apply(live: Json, config: Json, writer: Writer, shape: Shape, now: str, *, force: bool) -> Applied:
    """Merge `config` into `live` for this writer. Conflict when others own what it changes.

    Source: structured-merge-diff merge/update.go, Updater.Apply.
    """
    entries: Sequence[Json] = live["metadata"].get("managedFields") or ()
    wanted = set_of(config, shape)
    own = next((entry for entry in entries if writer.owns(entry)), None)
    others = [entry for entry in entries if entry is not own]
    merged = _merged(live, config, shape)
    if own is not None:
        merged = _pruned(merged, _fields(own), wanted, others, shape)
    changes = ownership.compare(owned_part(live), owned_part(merged), shape) or Changes()
    if not force:
        _refuse_conflicts(others, changes.changed)
    kept = [left for entry in others if (left := _after_change(entry, changes))]
    if own is not None and _fields(own) == wanted and own.get("apiVersion") == writer.api_version:
        return Applied(
            merged, [*kept, own] if entries and entries[-1] is own else _in_place(entries, kept, own)
        )
    return Applied(merged, [writer.entry(wanted, now), *kept] if wanted else kept)


def _in_place(entries: Sequence[Json], kept: list[Json], own: Json) -> list[Json]:
    place = next(i for i, entry in enumerate(entries) if entry is own)
    return [*kept[:place], own, *kept[place:]]


def _after_change(entry: Json, changes: Changes) -> Json | None:
    before = _fields(entry)
    left = ownership.minus(ownership.minus(before, changes.changed), changes.removed)
    if not left:
        return None
    return entry if left == before else {**entry, "fieldsV1": left}


def _fields(entry: Json) -> Fields:
    found: Fields = entry.get("fieldsV1") or {}
    return found


def _merged(live: Json, config: Json, shape: Shape) -> dict[str, Any]:
    said = owned_part(config)
    merged: dict[str, Any] = ownership.merge(live, said, shape)
    return merged


def _pruned(
    merged: dict[str, Any], before: Fields, wanted: Fields, others: Sequence[Json], shape: Shape
) -> dict[str, Any]:
    # What this writer said before and no longer says goes, unless somebody else says it.
    gone = ownership.minus(before, wanted)
    for entry in others:
        if not gone:
            return merged
        gone = _not_said(gone, _fields(entry))
    gone = _not_said(gone, wanted)
    if not gone:
        return merged
    left = ownership.remove(merged, gone, shape)
    return {**left, "metadata": left.get("metadata", {})}


def _not_said(gone: Fields, said: Fields) -> Fields:
    """Members of `gone` that `said` says nothing about, neither there nor below."""
    out: Fields = {}
    for key, ours in gone.items():
        theirs: Mapping[str, Any] | None = said.get(key)
        if theirs is None:
            out[key] = ours
        elif inner := _not_said({k: v for k, v in ours.items() if k != "."}, dict(theirs)):
            out[key] = inner
    return out


def _refuse_conflicts(others: Sequence[Json], changed: Fields) -> None:
    found = [
        (entry, path)
        for entry in others
        for path in ownership.leaves(ownership.overlap(_fields(entry), changed))
    ]
    if not found:
        return
    causes = [FieldError(p, f"conflict with {_printed(e)}", "FieldManagerConflict") for e, p in found]
    if len(found) == 1:
        told = f"conflict with {_printed(found[0][0])}: {found[0][1]}"
    else:
        lines: dict[str, list[str]] = {}
        for entry, path in found:
            lines.setdefault(_printed(entry), []).append(f"- {path}")
        told = "\n".join(line for who, paths in lines.items() for line in (f"conflicts with {who}:", *paths))
    many = "s" if len(found) > 1 else ""
    raise Conflict(f"Apply failed with {len(found)} conflict{many}: {told}", causes=causes)


def _printed(entry: Json) -> str:
    name = f'"{entry.get("manager")}"'
    if entry.get("subresource"):
        name += f' with subresource "{entry["subresource"]}"'
    return name if entry.get("operation") == "Apply" else f"{name} using {entry.get('apiVersion')}"
