"""v1 PersistentVolume: a piece of storage of the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.persistentvolumeclaim import check_amount, check_modes, modes_text
from hauberk.kinds.core.volume import HostPath
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check_name, dns_subdomain, forbidden, invalid, required, unsupported

POLICIES = ("Delete", "Recycle", "Retain")
_SOURCE = "spec.persistentvolumesource"
_SOURCES = ("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume",
            "gcePersistentDisk", "glusterfs", "iscsi", "nfs", "portworxVolume", "quobyte", "rbd", "scaleIO",
            "storageos", "vsphereVolume")  # fmt: skip


class Local(Part, frozen=True):
    """A directory of the node."""

    path: str = ""
    fs_type: str | None = None


class VolumeSpec(Part, frozen=True):
    """What the storage is."""

    __inert__ = ("volumeAttributesClassName", *_SOURCES)

    capacity: dict[str, Any] | None = None
    access_modes: tuple[str, ...] = ()
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""
    volume_mode: str = ""
    claim_ref: dict[str, Any] | None = None
    local: Local | None = None
    host_path: HostPath | None = None
    node_affinity: dict[str, Any] | None = None
    mount_options: tuple[str, ...] = ()


class PersistentVolume(Part, frozen=True):
    """A piece of storage of the cluster."""

    metadata: ObjectMeta = ObjectMeta()
    spec: VolumeSpec = VolumeSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_PersistentVolume."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
        spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
        if isinstance(spec.get("hostPath"), dict):
            spec["hostPath"].setdefault("type", "")
    return raw


def validate(volume: PersistentVolume) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidatePersistentVolumeSpec."""
    yield from check_name(volume.metadata.name, dns_subdomain)
    spec = volume.spec
    yield from check_modes(spec.access_modes)
    storage = (spec.capacity or {}).get("storage")
    if storage is None:
        yield required("spec.capacity")
    else:
        yield from check_amount("spec.capacity[storage]", storage)
    if spec.persistent_volume_reclaim_policy not in ("", *POLICIES):
        yield unsupported(
            "spec.persistentVolumeReclaimPolicy", spec.persistent_volume_reclaim_policy, POLICIES
        )
    if spec.local is not None and spec.node_affinity is None:
        yield required("spec.nodeAffinity", "Local volume requires node affinity")
    if spec.local is not None and not spec.local.path:
        yield required("spec.local.path")
    if spec.local is not None and ".." in spec.local.path.split("/"):
        yield invalid("spec.local.path", spec.local.path, "must not contain '..'")


def validate_update(old: Json, new: Json) -> FieldErrors:
    """Where the data is does not change."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if any(before.get(k) != after.get(k) for k in ("local", "hostPath", *_SOURCES)):
        path = "spec.persistentvolumesource"
        yield forbidden(path, f"{path} is immutable after creation")


def advice(raw: Json) -> Iterator[str]:
    """What of it does not act."""
    spec = raw.get("spec") or {}
    for source in _SOURCES:
        if source in spec:
            yield f"spec.{source}: the embedded cluster mounts local and hostPath volumes only"
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield "spec.persistentVolumeReclaimPolicy: Recycle does not act; the volume stays Released"


def _claim(volume: Json, _now: float) -> str:
    ref = (volume.get("spec") or {}).get("claimRef") or {}
    return f"{ref.get('namespace', '')}/{ref['name']}" if ref.get("name") else ""


def _phase(volume: Json, _now: float) -> str:
    if volume["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((volume.get("status") or {}).get("phase", ""))


KIND = Kind(
    group="",
    name="PersistentVolume",
    plural="persistentvolumes",
    singular="persistentvolume",
    short_names=("pv",),
    model=PersistentVolume,
    default=default,
    validate=validate,
    validate_update=validate_update,
    advice=advice,
    namespaced=False,
    columns=(
        Column("Capacity", ".spec.capacity.storage"),
        Column("Access Modes", lambda v, _: modes_text((v.get("spec") or {}).get("accessModes"))),
        Column("Reclaim Policy", ".spec.persistentVolumeReclaimPolicy"),
        Column("Status", _phase),
        Column("Claim", _claim),
        Column("StorageClass", ".spec.storageClassName"),
        Column("VolumeAttributesClass", lambda _v, _n: "<unset>"),
        Column("Reason", ".status.reason"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("VolumeMode", ".spec.volumeMode", wide=True),
    ),
    has_generation=False,
    builtin=True,
)
