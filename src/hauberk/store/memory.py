"""Every stored object, decoded, with the indexes that readers need.

Guarantees: reads never block; what `Memory` shows is committed; lists come in the order of
namespace and name, so that two equal states give equal lists whatever led to them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hauberk.base.refs import Json, Ref

_NOTHING: Mapping[str, Json] = {}


class Memory:
    """The committed objects. It is `hauberk.ports.Snapshot`: stable between two awaits."""

    def __init__(self) -> None:
        self._revision = 0
        self._kinds: dict[str, dict[str, dict[str, Json]]] = {}  # kind → namespace → name
        self._owned: dict[str, dict[Ref, Json]] = {}  # owner uid → children
        self._lists: dict[str, dict[str | None, Sequence[Json]]] = {}  # kind → cached sorted lists

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
        cached = self._lists.setdefault(kind, {})
        found = cached.get(namespace)
        if found is None:
            found = cached[namespace] = tuple(self._sorted(kind, namespace))
        if not labels:
            return found
        return tuple(o for o in found if _has(o, labels))

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

    def apply(self, ref: Ref, obj: Json | None, revision: int) -> None:
        """Take over one committed change; None removes the object."""
        spaces = self._kinds.setdefault(ref.kind, {})
        space = spaces.setdefault(ref.namespace, {})
        old = space.get(ref.name)
        self._unindex(ref, old)
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
            for name in sorted(objects):
                yield objects[name]


def _owners(obj: Json) -> list[Any]:
    return [owner.get("uid") for owner in obj["metadata"].get("ownerReferences") or ()]


def _has(obj: Json, labels: Mapping[str, str]) -> bool:
    own = obj["metadata"].get("labels") or {}
    return all(own.get(key) == value for key, value in labels.items())
