"""The difference between the stages and a cluster: what `install` would do, object by object.

Pure. `differences` asks the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration import marks
from hauberk.integration.redact import redacted
from hauberk.integration.stages import Stage, objects_of

Action = Literal["create", "change", "none", "delete", "release", "refused"]

MARKS: Mapping[Action, str] = {
    "create": "+",
    "change": "~",
    "none": "=",
    "delete": "-",
    "release": "-",
    "refused": "!",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field that changes; None where it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one object, and why."""

    stage: str
    ref: Ref
    action: Action
    fields: tuple[Field, ...] = ()
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The row of `-o json`."""
        fields = [{"path": f.path, "before": f.before, "after": f.after} for f in self.fields]
        place = {"kind": self.ref.kind, "namespace": self.ref.namespace, "name": self.ref.name}
        row = {"stage": self.stage, **place, "action": self.action, "fields": fields}
        return {**row, **({"note": self.note} if self.note else {})}


def compare(stage: str, wanted: Json, live: Json | None, after: Json | None) -> Change:
    """The change that makes `after` (what the API answers to a dry run) of `live`.

    `live` None: it is not there, and `after` does not matter.
    """
    ref = ref_of(wanted)
    if live is None or after is None:
        return Change(stage=stage, ref=ref, action="create")
    fields = tuple(fields_between(live, after))
    real = tuple(f for f in fields if not _is_mark(f.path))
    return Change(stage=stage, ref=ref, action="change" if real else "none", fields=real)


def fields_between(before: Json, after: Json) -> Iterable[Field]:
    """The fields that differ, leaving out what the server writes; values of Secrets are hidden."""
    old, new = marks.wanted_part(before), marks.wanted_part(after)
    shown_old, shown_new = marks.wanted_part(redacted(before)), marks.wanted_part(redacted(after))
    for path in _paths(old, new, ()):
        yield Field(path=".".join(map(str, path)), before=_at(shown_old, path), after=_at(shown_new, path))


def surplus(stages: Sequence[Stage], ours: Iterable[Json]) -> tuple[Json, ...]:
    """Objects that an earlier `install` applied and that the stages no longer have, last stage first."""
    wanted = {ref_of(obj) for obj in objects_of(stages)} | {s for stage in stages for s in stage.secrets}
    left = [obj for obj in ours if ref_of(obj) not in wanted]
    return tuple(sorted(left, key=lambda o: (marks.stage_of(o), ref_of(o)), reverse=True))


def removal_of(live: Json, note: str = "") -> Change:
    """Deleting what we created; taking our fields away from what was there before."""
    created = marks.was_created(live)
    why = note or ("" if created else "it was there before: only our fields go")
    action: Action = "delete" if created else "release"
    return Change(stage=marks.stage_of(live), ref=ref_of(live), action=action, note=why)


def summary(changes: Iterable[Change]) -> str:
    """`3 to create, 1 to change, 12 as they are`."""
    words = {
        "create": "to create",
        "change": "to change",
        "delete": "to delete",
        "release": "to release",
        "refused": "refused",
        "none": "as they are",
    }
    found = [c.action for c in changes]
    counts = [f"{found.count(a)} {text}" for a, text in words.items() if found.count(a)]  # type: ignore[arg-type]
    return ", ".join(counts) or "nothing"


def short(ref: Ref) -> str:
    """A name for a line of progress: without the kind's group."""
    where = f"{ref.namespace}/" if ref.namespace else ""
    return f"{ref.kind.partition('.')[0]} {where}{ref.name}"


def _is_mark(path: str) -> bool:
    return path.endswith((marks.STAGE, marks.CREATED))


def _paths(old: Any, new: Any, at: tuple[str | int, ...]) -> Iterable[tuple[str | int, ...]]:
    if _is_tree(old) and _is_tree(new) and (old or new):
        old, new = old or {}, new or {}
        for key in sorted({*old, *new}):
            yield from _paths(old.get(key), new.get(key), (*at, key))
    elif old != new:
        yield at


def _is_tree(value: Any) -> bool:
    return value is None or isinstance(value, Mapping)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
