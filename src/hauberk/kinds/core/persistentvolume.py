"""v1 PersistentVolume: a volume of the cluster. Stored; it does not act yet."""

from __future__ import annotations

from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act

KIND = Kind(
    group="",
    name="PersistentVolume",
    plural="persistentvolumes",
    singular="persistentvolume",
    versions=("v1",),
    short_names=("pv",),
    categories=(),
    model=Stored,
    advice=does_not_act("PersistentVolume", "pods cannot mount it; use emptyDir or hostPath"),
    namespaced=False,
    columns=(
        Column("Capacity", ".spec.capacity.storage"),
        Column("Reclaim Policy", ".spec.persistentVolumeReclaimPolicy"),
        Column("Status", ".status.phase"),
        Column("StorageClass", ".spec.storageClassName"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status",),
    has_generation=False,
    builtin=True,
    doc="A volume of the cluster.",
)
