"""Which kind a path, a manifest or a kind name means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.apierrors import BadRequest, NotFound
from hauberk.base.refs import Json, Ref
from hauberk.kinds.meta import Kind

VIRTUAL = "virtual"  # key of Kind.extra: objects of this kind are answered, never stored


@dataclass(slots=True)
class Catalog:
    """The served kinds by each way to name them. Users' kinds come and go."""

    kinds: tuple[Kind[Any], ...]
    by_id: Mapping[str, Kind[Any]]
    by_plural: Mapping[tuple[str, str, str], Kind[Any]]  # group, version, plural
    by_type: Mapping[tuple[str, str], Kind[Any]]  # apiVersion, kind
    own: tuple[Kind[Any], ...] = ()  # the product's
    generation: int = 0  # counts changes

    @classmethod
    def of(cls, kinds: Iterable[Kind[Any]]) -> Catalog:
        """Build the tables."""
        rows = tuple(kinds)
        made = cls((), {}, {}, {}, own=rows)
        made.serve(())
        return made

    def serve(self, custom: Iterable[Kind[Any]]) -> None:
        """Serve these kinds of users beside the product's, and no others."""
        rows = self.kinds = (*self.own, *custom)
        self.by_id = {k.id: k for k in rows}
        self.by_plural = {(k.group, v, k.plural): k.at(v) for k in rows for v in k.versions}
        self.by_type = {(version_text(k.group, v), k.name): k.at(v) for k in rows for v in k.versions}
        self.generation += 1

    def of_object(self, obj: Json) -> Kind[Any]:
        """The kind of a manifest. BadRequest, NotFound."""
        version, name = obj.get("apiVersion"), obj.get("kind")
        if not version or not name:
            missing = "kind" if not name else "apiVersion"
            raise BadRequest(f"Object '{missing.capitalize()}' is missing")
        found = self.by_type.get((version, name))
        if found is None:
            raise NotFound(f'no matches for kind "{name}" in version "{version}"')
        return found

    def of_ref(self, ref: Ref) -> Kind[Any]:
        """The kind of a reference. NotFound."""
        found = self.by_id.get(ref.kind)
        if found is None:
            raise NotFound(f'no matches for kind "{ref.kind}"')
        return found

    def groups(self) -> dict[str, dict[str, list[Kind[Any]]]]:
        """Group → version → kinds, in the order of the table."""
        out: dict[str, dict[str, list[Kind[Any]]]] = {}
        for kind in self.kinds:
            versions = out.setdefault(kind.group, {})
            for version in kind.versions:
                versions.setdefault(version, []).append(kind.at(version))
        return {group: _ordered(versions) for group, versions in out.items()}


def _ordered(versions: dict[str, list[Kind[Any]]]) -> dict[str, list[Kind[Any]]]:
    """The preferred version first: the product's tables say which, users' kinds go by their names."""
    if not all(kind.extra.get("custom") for kinds in versions.values() for kind in kinds):
        return versions
    return {version: versions[version] for version in sorted(versions, key=priority)}


_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


def priority(version: str) -> tuple[int, int, int, str]:
    """How versions sort: stable ones first, newest first.

    Source: apimachinery pkg/version/helpers.go, CompareKubeAwareVersionStrings.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return 3, 0, 0, version
    major, word, minor = match.groups()
    stage = {None: 0, "beta": 1, "alpha": 2}[word]
    return stage, -int(major), -int(minor or 0), ""


def version_text(group: str, version: str) -> str:
    """`apps`, `v1` → `apps/v1`; the core group has no slash."""
    return f"{group}/{version}" if group else version


def resource_of(kind: Kind[Any]) -> str:
    """`gateways.networking.istio.io`, as upstream's error texts name a resource."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural
