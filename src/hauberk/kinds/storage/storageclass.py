"""storage.k8s.io/v1 StorageClass: a way to make volumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.rules import forbidden, required, unsupported
from hauberk.kinds.stored import Stored

PROVISIONER = "hauberk.dev/local"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
MODES = ("Immediate", "WaitForFirstConsumer")
POLICIES = ("Delete", "Retain")
_NONE = "kubernetes.io/no-provisioner"


class StorageClass(Stored, frozen=True):
    """A way to make volumes."""

    provisioner: str = ""
    parameters: dict[str, str] | None = None
    reclaim_policy: str = ""
    volume_binding_mode: str = ""
    allow_volume_expansion: bool | None = None
    mount_options: tuple[str, ...] = ()
    allowed_topologies: tuple[dict[str, Any], ...] = ()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/storage/v1/defaults.go, SetDefaults_StorageClass."""
    raw["reclaimPolicy"] = raw.get("reclaimPolicy") or "Delete"
    raw["volumeBindingMode"] = raw.get("volumeBindingMode") or "Immediate"
    return raw


def validate(row: StorageClass) -> FieldErrors:
    """Source: kubernetes pkg/apis/storage/validation/validation.go, ValidateStorageClass."""
    if not row.provisioner:
        yield required("provisioner")
    if row.reclaim_policy not in ("", *POLICIES):
        yield unsupported("reclaimPolicy", row.reclaim_policy, POLICIES)
    if row.volume_binding_mode not in ("", *MODES):
        yield unsupported("volumeBindingMode", row.volume_binding_mode, MODES)


def validate_update(old: Json, new: Json) -> FieldErrors:
    """A class does not change what it makes."""
    for name in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        if old.get(name) != new.get(name):
            yield forbidden(name, f"updates to {name} are forbidden.")


def advice(raw: Json) -> Iterator[str]:
    """What of it does not act."""
    provisioner = raw.get("provisioner", "")
    if provisioner not in (PROVISIONER, _NONE, ""):
        yield (
            f"provisioner: `{provisioner}` does not run on the embedded cluster, so its claims stay Pending; "
            f"`{PROVISIONER}` makes volumes here"
        )
    for name in ("parameters", "mountOptions", "allowedTopologies", "allowVolumeExpansion"):
        if raw.get(name) and provisioner == PROVISIONER:
            yield f"{name}: has no effect on the embedded cluster"


KIND = Kind(
    group="storage.k8s.io",
    name="StorageClass",
    plural="storageclasses",
    singular="storageclass",
    short_names=("sc",),
    model=StorageClass,
    default=default,
    validate=validate,
    validate_update=validate_update,
    advice=advice,
    namespaced=False,
    columns=(
        Column("Provisioner", ".provisioner"),
        Column("ReclaimPolicy", ".reclaimPolicy"),
        Column("VolumeBindingMode", ".volumeBindingMode"),
        Column("AllowVolumeExpansion", lambda c, _: bool(c.get("allowVolumeExpansion")), "boolean"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    has_generation=False,
    builtin=True,
)
