"""v1 PersistentVolumeClaim: a request for a volume. Stored; it does not act yet."""

from __future__ import annotations

from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act

KIND = Kind(
    group="",
    name="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    singular="persistentvolumeclaim",
    versions=("v1",),
    short_names=("pvc",),
    categories=(),
    model=Stored,
    advice=does_not_act("PersistentVolumeClaim", "it stays Pending; use emptyDir or hostPath"),
    namespaced=True,
    columns=(
        Column("Status", ".status.phase"),
        Column("Volume", ".spec.volumeName"),
        Column("Capacity", ".status.capacity.storage"),
        Column("StorageClass", ".spec.storageClassName"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status",),
    has_generation=False,
    builtin=True,
    doc="A request for a volume.",
)
