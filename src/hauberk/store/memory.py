"""Every stored object, decoded, with the indexes that readers need.

Guarantees: reads never block; what `Memory` shows is committed; lists come in the order of
namespace and name, so that two equal states give equal lists whatever led to them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hauberk.base.refs import Json, Ref
from hauberk.ports import Index

_NOTHING: Mapping[str, Json] = {}
_Place = tuple[str, str]  # namespace and name
_Rows = dict[str, dict[_Place, Json]]  # by key
_NO_ROWS: dict[_Place, Json] = {}


class Memory:
    """The committed objects. It is `hauberk.ports.Snapshot`: stable between two awaits."""

    def __init__(self) -> None:
        self._revision = 0
        self._kinds: dict[str, dict[str, dict[str, Json]]] = {}  # kind → namespace → name
        self._owned: dict[str, dict[Ref, Json]] = {}  # owner uid → children
        self._names: dict[tuple[str, str], list[str]] = {}  # (kind, namespace) → sorted names
        self._lists: dict[str, dict[str | None, Sequence[Json]]] = {}  # kind → cached sorted lists
        # Indexes begin with the first question; then each write keeps them.
        self._indexes: dict[str, dict[Index, _Rows]] = defaultdict(dict)  # by kind
        self._by_label: dict[tuple[str, str], Index] = {}  # (kind, label)

    @property
    def revision(self) -> int:
        """The revision of the last write that this view contains."""
        return self._revision

    def get(self, ref: Ref) -> Json | None:
        """The object, or None."""
        return self._kinds.get(ref.kind, {}).get(ref.namespace, _NOTHING).get(ref.name)

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Json]:
        """Objects of a kind name, of one namespace or (None) all, with all of these labels."""
        if labels:
            few = min((self._rows(self._label(kind, k)).get(v, _NO_ROWS) for k, v in labels.items()), key=len)
            return tuple(
                few[place]
                for place in sorted(few)
                if namespace in (None, place[0]) and _has(few[place], labels)
            )
        cached = self._lists.setdefault(kind, {})
        found = cached.get(namespace)
        if found is None:
            found = cached[namespace] = tuple(self._sorted(kind, namespace))
        return found

    def find(self, index: Index, key: str) -> Sequence[Json]:
        """The objects of which the index names this key."""
        rows = self._rows(index).get(key, _NO_ROWS)
        return tuple(rows[place] for place in sorted(rows))

    def _label(self, kind: str, label: str) -> Index:
        found = self._by_label.get((kind, label))
        if found is None:
            found = self._by_label[kind, label] = Index(kind, lambda obj: _value(obj, label))
        return found

    def _rows(self, index: Index) -> _Rows:
        rows = self._indexes[index.kind].get(index)
        if rows is None:
            rows = self._indexes[index.kind][index] = {}
            for namespace, space in self._kinds.get(index.kind, {}).items():
                for name, obj in space.items():
                    _put(rows, index, (namespace, name), obj)
        return rows

    def owned_by(self, uid: str, kinds: Collection[str]) -> Sequence[Json]:
        """Objects of these kinds with an owner reference (controller or not) to that uid."""
        children = self._owned.get(uid)
        if not children:
            return ()
        return tuple(children[ref] for ref in sorted(children) if ref.kind in kinds)

    def count(self, kind: str) -> int:
        """How many objects of a kind there are."""
        return sum(map(len, self._kinds.get(kind, {}).values()))

    def kinds(self) -> Collection[str]:
        """Kind names of which objects are stored."""
        return [kind for kind, spaces in self._kinds.items() if any(spaces.values())]

    def apply(self, ref: Ref, obj: Json | None, revision: int) -> Json | None:
        """Take over one committed change; None removes the object. Returns what it replaced."""
        spaces = self._kinds.setdefault(ref.kind, {})
        space = spaces.setdefault(ref.namespace, {})
        old = space.get(ref.name)
        self._unindex(ref, old)
        self._note_name(ref, old, obj)
        for index, rows in self._indexes.get(ref.kind, {}).items():
            _take(rows, index, (ref.namespace, ref.name), old)
            _put(rows, index, (ref.namespace, ref.name), obj)
        if obj is None:
            space.pop(ref.name, None)
            if not space:
                del spaces[ref.namespace]
        else:
            space[ref.name] = obj
            for uid in _owners(obj):
                self._owned.setdefault(uid, {})[ref] = obj
        self._lists.pop(ref.kind, None)
        self._revision = max(self._revision, revision)
        return old

    def start_at(self, revision: int) -> None:
        """Name the revision of the last write before this view was built."""
        self._revision = revision

    def _unindex(self, ref: Ref, old: Json | None) -> None:
        for uid in _owners(old) if old is not None else ():
            children = self._owned.get(uid, {})
            children.pop(ref, None)
            if not children:
                self._owned.pop(uid, None)

    def _sorted(self, kind: str, namespace: str | None) -> Iterable[Json]:
        spaces = self._kinds.get(kind, {})
        for space in sorted(spaces) if namespace is None else (namespace,):
            objects = spaces.get(space, _NOTHING)
            yield from map(objects.__getitem__, self._names.get((kind, space), ()))

    def _note_name(self, ref: Ref, old: Json | None, new: Json | None) -> None:
        names = self._names.setdefault((ref.kind, ref.namespace), [])
        if old is None and new is not None:
            insort(names, ref.name)
        elif old is not None and new is None:
            del names[bisect_left(names, ref.name)]


def _value(obj: Json, label: str) -> tuple[str, ...]:
    value = (obj["metadata"].get("labels") or {}).get(label)
    return () if value is None else (value,)


def _put(rows: _Rows, index: Index, place: _Place, obj: Json | None) -> None:
    for key in index.keys(obj) if obj is not None else ():
        rows.setdefault(key, {})[place] = obj  # type: ignore[assignment]  # not None here


def _take(rows: _Rows, index: Index, place: _Place, obj: Json | None) -> None:
    for key in index.keys(obj) if obj is not None else ():
        found = rows.get(key, {})
        found.pop(place, None)
        if not found:
            rows.pop(key, None)


def _owners(obj: Json) -> list[Any]:
    return [owner.get("uid") for owner in obj["metadata"].get("ownerReferences") or ()]


def _has(obj: Json, labels: Mapping[str, str]) -> bool:
    own = obj["metadata"].get("labels") or {}
    return all(own.get(key) == value for key, value in labels.items())
