"""v1 Namespace: the scope of names."""

from __future__ import annotations

from typing import Annotated, Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import check_name, dns_label

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


class NamespaceSpec(Part, frozen=True):
    """What must be done before the namespace may go."""

    finalizers: tuple[str, ...] = ()


class NamespaceStatus(Part, frozen=True):
    """`Active` or `Terminating`, and what still stands in the way."""

    phase: str = ""
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()


class Namespace(Part, frozen=True):
    """The scope of names; deleting it deletes what is in it."""

    metadata: ObjectMeta = ObjectMeta()
    spec: NamespaceSpec = NamespaceSpec()
    status: NamespaceStatus = NamespaceStatus()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """The label with the name; the finalizer and the phase of a new namespace.

    Source: kubernetes pkg/registry/core/namespace/strategy.go, PrepareForCreate;
    pkg/apis/core/v1/defaults.go.
    """
    meta = raw.setdefault("metadata", {})
    if meta.get("name"):
        meta["labels"] = {**(meta.get("labels") or {}), NAME_LABEL: meta["name"]}
    if not meta.get("deletionTimestamp"):
        spec = raw.get("spec") or {}
        raw["spec"] = {**spec, "finalizers": spec.get("finalizers") or [FINALIZER]}
        raw["status"] = {**(raw.get("status") or {}), "phase": "Active"}
    return raw


def validate(namespace: Namespace) -> FieldErrors:
    """The name is one label, since it is a part of DNS names."""
    yield from check_name(namespace.metadata.name, dns_label)


KIND = Kind(
    group="",
    name="Namespace",
    plural="namespaces",
    singular="namespace",
    short_names=("ns",),
    model=Namespace,
    default=default,
    validate=validate,
    namespaced=False,
    columns=(Column("Status", ".status.phase"), Column("Age", ".metadata.creationTimestamp", "date")),
    subresources=("status", "finalize"),
    has_generation=False,
    builtin=True,
)
