"""What a decision about one StatefulSet may depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, labels_of
from hauberk.kinds.apps.selector import matches
from hauberk.kinds.apps.statefulset import KIND, StatefulSetSpec
from hauberk.ports import Snapshot
from hauberk.workloads.pods import orphans, pods_of
from hauberk.workloads.revisions import revisions_of
from hauberk.workloads.statefulset import make


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A StatefulSet, its pods, revisions and claims."""

    raw: Json
    spec: StatefulSetSpec
    pods: Sequence[Json]
    revisions: Sequence[Json]
    claims: Mapping[str, Json]
    strays: Sequence[Json] = ()

    @property
    def status(self) -> Json:
        """As stored."""
        found: Json = self.raw.get("status") or {}
        return found

    @property
    def replicas(self) -> int:
        """Wanted pods."""
        return 1 if self.spec.replicas is None else self.spec.replicas

    @property
    def start(self) -> int:
        """The first number."""
        return int((self.spec.ordinals or {}).get("start") or 0)

    @property
    def ordinals(self) -> range:
        """The wanted numbers."""
        return range(self.start, self.start + self.replicas)

    @property
    def mine(self) -> list[Json]:
        """Pods with one of the set's names, by number."""
        rows = [p for p in self.pods if make.ordinal_of(self.raw, p) >= 0]
        return sorted(rows, key=lambda p: make.ordinal_of(self.raw, p))

    @property
    def by_ordinal(self) -> dict[int, Json]:
        """Pods by number."""
        return {make.ordinal_of(self.raw, p): p for p in self.mine}

    @property
    def condemned(self) -> list[Json]:
        """Pods beyond the wanted numbers, the highest first."""
        return [p for p in reversed(self.mine) if make.ordinal_of(self.raw, p) not in self.ordinals]

    @property
    def rolls(self) -> bool:
        """Whether old pods are replaced without being deleted by hand."""
        return (self.spec.update_strategy or {}).get("type") != "OnDelete"

    @property
    def partition(self) -> int:
        """Pods below this number keep their template."""
        return int(((self.spec.update_strategy or {}).get("rollingUpdate") or {}).get("partition") or 0)


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a StatefulSet and what belongs to it."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    spec = KIND.parse(raw).spec
    assert spec.selector is not None, "validation requires a selector"
    pods = [p for p in pods_of(snapshot, raw) if matches(spec.selector, labels_of(p))]
    strays = [p for p in orphans(snapshot, ref.namespace, spec.selector) if make.ordinal_of(raw, p) >= 0]
    world = World(raw=raw, spec=spec, pods=tuple(pods), revisions=revisions_of(snapshot, raw), claims={},
                  strays=tuple(strays))  # fmt: skip
    numbers = {*world.ordinals, *(make.ordinal_of(raw, p) for p in world.condemned)}
    refs = [r for n in numbers for r in make.claim_refs(raw, n)] if make.templates(raw) else []
    claims = {r.name: found for r in refs if (found := snapshot.get(r)) is not None}
    return World(raw=raw, spec=spec, pods=world.pods, revisions=world.revisions, claims=claims,
                 strays=world.strays)  # fmt: skip
