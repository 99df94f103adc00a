"""What a decision about one Deployment may depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, controller_of
from hauberk.base.times import epoch
from hauberk.kinds.apps.deployment import KIND, Deployment
from hauberk.ports import Snapshot
from hauberk.workloads.pods import ENDED, pods_of

REPLICASET = "ReplicaSet.apps"
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """One ReplicaSet of a Deployment, old or new."""

    raw: Json
    name: str
    replicas: int  # wanted of it
    exist: int  # pods it reported
    ready: int
    available: int
    terminating: int
    revision: int
    desired: int | None  # what the Deployment wanted when it was last scaled
    pods: int = 0  # pods there are, ending ones too

    @property
    def order(self) -> tuple[float, str]:
        """By age, then name."""
        created = self.raw["metadata"].get("creationTimestamp")
        return (epoch(created) if created else 0.0, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A Deployment and its ReplicaSets, oldest first."""

    raw: Json
    deployment: Deployment
    sets: Sequence[Set]

    @property
    def replicas(self) -> int:
        """Wanted pods."""
        replicas = self.deployment.spec.replicas
        return 1 if replicas is None else replicas


def set_of(raw: Json, pods: int = 0) -> Set:
    """Read a ReplicaSet."""
    spec, status, notes = raw.get("spec") or {}, raw.get("status") or {}, annotations_of(raw)
    desired = notes.get(DESIRED, "")
    return Set(
        raw=raw,
        name=raw["metadata"]["name"],
        replicas=spec.get("replicas", 1),
        exist=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        terminating=status.get("terminatingReplicas", 0),
        revision=number(notes.get(REVISION)),
        desired=int(desired) if desired.isdigit() else None,
        pods=pods,
    )


def number(text: Any) -> int:
    """A revision annotation as a number; 0 when it is none."""
    return int(text) if str(text or "").isdigit() else 0


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a Deployment, its ReplicaSets and how many pods they have."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    uid = raw["metadata"]["uid"]
    owned = snapshot.owned_by(uid, (REPLICASET,))
    sets = [
        set_of(rs, sum((p.get("status") or {}).get("phase") not in ENDED for p in pods_of(snapshot, rs)))
        for rs in owned
        if (controller_of(rs) or {}).get("uid") == uid and not rs["metadata"].get("deletionTimestamp")
    ]
    return World(raw=raw, deployment=KIND.parse(raw), sets=tuple(sorted(sets, key=lambda s: s.order)))
