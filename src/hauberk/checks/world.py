"""All that the checks may know: objects, where each came from, and the time. Immutable, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, labels_of
from hauberk.checks.documents import Document
from hauberk.checks.model import Path, Place


@dataclass(frozen=True, slots=True)
class Source:
    """The document of a file in which an object stands."""

    file: str
    document: Document


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One object. Two files that speak of one object are one item with two sources."""

    obj: Json
    ref: Ref
    sources: tuple[Source, ...] = ()
    maker: tuple[Item, Path] | None = None  # the object, and the field in it, of which an operator makes this

    @property
    def namespace(self) -> str:
        """The object's namespace; empty when it is cluster-scoped."""
        return self.ref.namespace

    @property
    def name(self) -> str:
        """The object's name."""
        return self.ref.name

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        return _mapping(labels_of(self.obj))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The object's annotations."""
        return _mapping(annotations_of(self.obj))

    def get(self, *path: str | int) -> Any:
        """What stands at `path`, or None."""
        return dig(self.obj, path)

    def rows(self, *path: str | int) -> Iterator[tuple[Path, Json]]:
        """(path, value) of every mapping in the list at `path`."""
        found = self.get(*path)
        for index, row in enumerate(found if isinstance(found, list | tuple) else ()):
            if isinstance(row, Mapping):
                yield (*path, index), row

    def place(self, path: Path = ()) -> Place | None:
        """The line of the deepest part of `path` that a file has; None for an object of a cluster."""
        if self.maker is not None:
            owner, prefix = self.maker
            return owner.place((*prefix, *path[1:]))
        best: tuple[int, Place] | None = None
        for source in self.sources:
            line, depth = source.document.line_of(self._in_source(path, source))
            if best is None or depth > best[0]:
                best = (depth, Place(file=source.file, line=line))
        return best[1] if best else None

    def _in_source(self, path: Path, source: Source) -> Path:
        """`path` with the indexes that this source's lists have: rows are known by their names."""
        if len(self.sources) == 1:
            return path
        out: list[str | int] = []
        for depth, step in enumerate(path):
            if isinstance(step, int):
                name = dig(self.obj, (*path[: depth + 1], "name"))
                rows = dig(source.document.value, tuple(out))
                names = [dig(r, ("name",)) for r in rows] if isinstance(rows, list) else []
                step = names.index(name) if name is not None and name in names else step
            out.append(step)
        return tuple(out)


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a file that holds no object."""

    place: Place
    found: str
    readable: bool  # YAML, only no object


@dataclass(frozen=True)
class World:
    """What one run judges.

    `listed`: of a live cluster, the kinds that were read. `whole`: the objects are the entire
    integration, so that what is missing is missing; None lets the objects tell.
    """

    items: tuple[Item, ...]
    now: float  # seconds since the epoch
    live: bool = False
    listed: frozenset[str] = frozenset()
    served: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()
    declared_whole: bool | None = None
    promised: int = 0  # how many of the items are only going to be made

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[Item, ...]]:
        found: dict[str, list[Item]] = {}
        for item in self.items:
            found.setdefault(item.ref.kind, []).append(item)
        return {kind: tuple(items) for kind, items in found.items()}

    @cached_property
    def _by_ref(self) -> Mapping[Ref, Item]:
        return {item.ref: item for item in self.items}

    def all(self, kind: str) -> Sequence[Item]:
        """Every object of a kind."""
        return self._by_kind.get(kind, ())

    def of(self, kinds: Iterable[str]) -> Iterator[Item]:
        """Every object of several kinds."""
        for kind in kinds:
            yield from self.all(kind)

    def named(self, kind: str, namespace: str, name: str) -> Item | None:
        """One object, or None."""
        return self._by_ref.get(Ref(kind, namespace, name))

    def knows(self, kind: str) -> bool:
        """Whether it can be told from this world which objects of the kind there are."""
        return kind in self.listed if self.live else kind in self._by_kind

    @cached_property
    def whole(self) -> bool:
        """Whether what is not here does not exist: a cluster, or files of mesh and Serving together."""
        if self.declared_whole is not None:
            return self.declared_whole
        areas = (
            ("ServiceMeshControlPlane.maistra.io", "ServiceMeshMemberRoll.maistra.io",
             "Istio.sailoperator.io", "IstioOperator.install.istio.io"),
            ("Gateway.networking.istio.io",),
            ("KnativeServing.operator.knative.dev",),
        )  # fmt: skip
        return self.live or sum(any(self.all(k) for k in kinds) for kinds in areas) >= 2

    def in_namespaces(self, kind: str) -> Mapping[str, tuple[Item, ...]]:
        """The objects of a kind by their namespaces."""
        found: dict[str, list[Item]] = {}
        for item in self.all(kind):
            found.setdefault(item.namespace, []).append(item)
        return {namespace: tuple(items) for namespace, items in found.items()}


def dig(value: Any, path: Iterable[str | int]) -> Any:
    """What stands at `path` below `value`, or None; wrong types on the way are None, too."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list | tuple) or step >= len(value):
                return None
            value = value[step]
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def _mapping(value: Any) -> Mapping[str, str]:
    return value if isinstance(value, Mapping) else {}


def selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a plain label selector matches; an empty one matches everything."""
    return isinstance(selector, Mapping) and all(labels.get(k) == v for k, v in selector.items())


def condition(item: Item, name: str) -> Json | None:
    """The condition of that type in the object's status."""
    for _, row in item.rows("status", "conditions"):
        if row.get("type") == name:
            return row
    return None
