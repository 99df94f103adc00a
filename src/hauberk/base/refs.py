"""Names of API objects, and the projections from raw objects to them.

A *kind name* is what kubectl prints for a group-kind: `Pod` for the core group,
`Deployment.apps`, `Service.serving.knative.dev`. It never contains a version: one object
has one name whatever version it is read through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]
"""One API object, or a part of one, as decoded JSON. Treat it as immutable."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The name of one object. `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


def kind_of(obj: Json) -> str:
    """The kind name of a raw object: `Kind` or `Kind.group`."""
    group, slash, _ = obj["apiVersion"].partition("/")
    return f"{obj['kind']}.{group}" if slash else str(obj["kind"])


def ref_of(obj: Json) -> Ref:
    """The name of a raw object."""
    meta = obj["metadata"]
    return Ref(kind_of(obj), meta.get("namespace", ""), meta["name"])


def labels_of(obj: Json) -> Mapping[str, str]:
    """The labels of a raw object; empty when it has none."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Json) -> Mapping[str, str]:
    """The annotations of a raw object; empty when it has none."""
    return obj["metadata"].get("annotations") or {}


def is_deleting(obj: Json) -> bool:
    """Whether deletion has begun (`deletionTimestamp` is set)."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def controller_of(obj: Json) -> Json | None:
    """The owner reference that has `controller: true`, or None."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return dict(owner)
    return None
