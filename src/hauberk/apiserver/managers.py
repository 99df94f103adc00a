"""Who set which field: `metadata.managedFields`.

Source: apimachinery pkg/util/managedfields/internal (fieldmanager.go, structuredmerge.go,
stripmeta.go, skipnonapplied.go, conflict.go); structured-merge-diff merge/update.go.
Deviation: fields that defaulting or admission add to an applied object belong to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from hauberk.apiserver import ownership
from hauberk.apiserver.ownership import Changes, Fields
from hauberk.base.apierrors import Conflict
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json
from hauberk.kinds.shape import Shape

Operation = Literal["Apply", "Update"]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"  # the manager of `kubectl apply --server-side`
_BEFORE_FIRST_APPLY = "before-first-apply"
_ANCIENT, _MOST_UPDATERS = "ancient-changes", 10

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
    return capped([*out, writer.entry(own, now)]) if own else out


def capped(entries: list[Json]) -> list[Json]:
    """The entries, the oldest updates of each version in one when there are too many.

    Source: apimachinery pkg/util/managedfields/internal/capmanagers.go.
    """
    updates = sorted(
        (e for e in entries if e.get("operation") == "Update"), key=lambda e: str(e.get("time", ""))
    )
    too_many = len(updates) - _MOST_UPDATERS
    if too_many <= 0:
        return entries
    buckets: dict[str, Json] = {}
    dropped: list[Json] = []
    for entry in updates:
        first = buckets.get(entry["apiVersion"])
        if first is not None and too_many > 0:
            fields = ownership.union(_fields(first), _fields(entry))
            row = {k: v for k, v in entry.items() if k != "subresource"}
            buckets[entry["apiVersion"]] = {**row, "manager": _ANCIENT, "fieldsV1": fields}
            dropped += [first, entry]
            too_many -= 1
        elif first is None:
            buckets[entry["apiVersion"]] = entry
    made = [b for b in buckets.values() if b["manager"] == _ANCIENT and not any(b is e for e in entries)]
    return [*made, *(e for e in entries if not any(e is d for d in dropped))]


def given_entries(new: Json, live: Json) -> Sequence[Json]:
    """The entries that an update starts from: those it sends, else the stored ones.

    kubectl sends others when it turns client-side into server-side apply. An empty list forgets them all.
    Source: apimachinery pkg/util/managedfields/internal/fieldmanager.go, Update; managedfields.go.
    """
    given = new["metadata"].get("managedFields")
    if given in ([], [{}]):
        return ()
    if isinstance(given, list) and all(_is_entry(entry) for entry in given):
        return given
    stored: Sequence[Json] = live["metadata"].get("managedFields") or ()
    return stored


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, Mapping)
        and entry.get("operation") in ("Apply", "Update")
        and entry.get("fieldsType") == "FieldsV1"
        and isinstance(entry.get("fieldsV1"), Mapping)
    )


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
    if not entries:
        before = Writer(_BEFORE_FIRST_APPLY, "Update", live["apiVersion"])
        fields = ownership.field_set(_said_something(owned_part(live)), shape)
        entries = [before.entry(fields, now)] if fields else []
    wanted = set_of(config, shape)
    own = next((entry for entry in entries if writer.owns(entry)), None)
    others = [entry for entry in entries if entry is not own]
    merged = _merged(live, config, shape)
    if own is not None:
        merged = _pruned(merged, _fields(own), wanted, others, shape)
    changes = ownership.compare(owned_part(live), owned_part(merged), shape) or Changes()
    if not force:
        _refuse_conflicts(others, changes.changed, _applied_before(live, writer, shape))
    kept = [left for entry in others if (left := _after_change(entry, changes))]
    if own is not None and _fields(own) == wanted and own.get("apiVersion") == writer.api_version:
        return Applied(
            merged, [*kept, own] if entries and entries[-1] is own else _in_place(entries, kept, own)
        )
    return Applied(merged, [writer.entry(wanted, now), *kept] if wanted else kept)


def _said_something(value: Mapping[str, Any]) -> dict[str, Any]:
    """A map without the maps in it that are empty."""
    kept = {k: _said_something(v) if isinstance(v, Mapping) else v for k, v in value.items()}
    return {k: v for k, v in kept.items() if v != {}}


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


def _applied_before(live: Json, writer: Writer, shape: Shape) -> Fields:
    """What kubectl applied from the client's side and nobody changed since: its to change.

    Source: apimachinery pkg/util/managedfields/internal/lastappliedmanager.go.
    """
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if writer.manager != _KUBECTL or not text:
        return {}
    try:
        last = orjson.loads(text)
        if last["apiVersion"] != writer.api_version:
            return {}
        said = owned_part({**last, "metadata": last.get("metadata") or {}})
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return {}
    differs = ownership.compare(said, owned_part(live), shape) or Changes()
    return ownership.minus(
        ownership.minus(ownership.field_set(said, shape), differs.changed), differs.removed
    )


def with_last_applied(new: dict[str, Any], config: Json, writer: Writer) -> dict[str, Any]:
    """The object with kubectl's annotation kept true, if it has one and kubectl applies.

    Source: apimachinery pkg/util/managedfields/internal/lastappliedupdater.go.
    """
    notes = new["metadata"].get("annotations") or {}
    if writer.manager != _KUBECTL or writer.subresource or LAST_APPLIED not in notes:
        return new
    meta = {k: v for k, v in config["metadata"].items() if k != "managedFields"}
    own = {k: v for k, v in (meta.pop("annotations", None) or {}).items() if k != LAST_APPLIED}
    said = {**config, "metadata": {**meta, **({"annotations": own} if own else {})}}
    text = orjson.dumps(said).decode() + "\n"
    return {**new, "metadata": {**new["metadata"], "annotations": {**notes, LAST_APPLIED: text}}}


def _refuse_conflicts(others: Sequence[Json], changed: Fields, allowed: Fields) -> None:
    found = [
        (entry, path)
        for entry in others
        for path in ownership.leaves(ownership.minus(ownership.overlap(_fields(entry), changed), allowed))
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
