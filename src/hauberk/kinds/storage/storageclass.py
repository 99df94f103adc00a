"""storage.k8s.io/v1 StorageClass: a way to make volumes. Stored; it does not act yet."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act


class StorageClass(Stored, frozen=True):
    """A way to make volumes."""

    provisioner: str = ""
    parameters: dict[str, str] | None = None
    reclaim_policy: str = ""
    volume_binding_mode: str = ""
    allow_volume_expansion: bool | None = None
    mount_options: tuple[str, ...] = ()
    allowed_topologies: tuple[dict[str, Any], ...] = ()


KIND = Kind(
    group="storage.k8s.io",
    name="StorageClass",
    plural="storageclasses",
    singular="storageclass",
    versions=("v1",),
    short_names=("sc",),
    categories=(),
    model=StorageClass,
    advice=does_not_act("StorageClass", "no volumes are made; use emptyDir or hostPath"),
    namespaced=False,
    columns=(
        Column("Provisioner", ".provisioner"),
        Column("ReclaimPolicy", ".reclaimPolicy"),
        Column("VolumeBindingMode", ".volumeBindingMode"),
        Column("AllowVolumeExpansion", ".allowVolumeExpansion", "boolean"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    has_generation=False,
    builtin=True,
    doc="A way to make volumes.",
)
