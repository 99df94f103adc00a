"""Which kind a path, a manifest or a kind name means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.apierrors import BadRequest, NotFound
from hauberk.base.refs import Json, Ref
from hauberk.kinds.meta import Kind

VIRTUAL = "virtual"  # key of Kind.extra: objects of this kind are answered, never stored


@dataclass(frozen=True, slots=True)
class Catalog:
    """The served kinds by each way to name them."""

    kinds: tuple[Kind[Any], ...]
    by_id: Mapping[str, Kind[Any]]
    by_plural: Mapping[tuple[str, str, str], Kind[Any]]  # group, version, plural
    by_type: Mapping[tuple[str, str], Kind[Any]]  # apiVersion, kind

    @classmethod
    def of(cls, kinds: Iterable[Kind[Any]]) -> Catalog:
        """Build the tables."""
        rows = tuple(kinds)
        return cls(
            rows,
            {k.id: k for k in rows},
            {(k.group, v, k.plural): k for k in rows for v in k.versions},
            {(version_text(k.group, v), k.name): k for k in rows for v in k.versions},
        )

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
                versions.setdefault(version, []).append(kind)
        return out


def version_text(group: str, version: str) -> str:
    """`apps`, `v1` → `apps/v1`; the core group has no slash."""
    return f"{group}/{version}" if group else version


def resource_of(kind: Kind[Any]) -> str:
    """`gateways.networking.istio.io`, as upstream's error texts name a resource."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural
