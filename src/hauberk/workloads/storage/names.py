"""Kinds, annotations and finalizers around volumes. Pure."""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of
from hauberk.kinds.storage.storageclass import DEFAULT, PROVISIONER
from hauberk.ports import Snapshot

CLAIM = "PersistentVolumeClaim"
VOLUME = "PersistentVolume"
CLASS = "StorageClass.storage.k8s.io"
NODE = "hauberk"
ROOT = "/var/lib/hauberk/volumes"
"""Where volumes are on the node, as PersistentVolumes say it; the node keeps them in the cluster's data."""

PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"

LOCAL_CLASS: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "local", "annotations": {DEFAULT: "true"}},
    "provisioner": PROVISIONER,
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def default_class(snapshot: Snapshot) -> str | None:
    """The newest class that is marked as the default; None when there is none.

    Source: kubernetes pkg/volume/util/storageclass.go, GetDefaultClass.
    """
    rows = [c for c in snapshot.list(CLASS) if annotations_of(c).get(DEFAULT) == "true"]
    rows.sort(key=lambda c: c["metadata"]["name"])
    rows.sort(key=lambda c: str(c["metadata"].get("creationTimestamp", "")), reverse=True)
    return str(rows[0]["metadata"]["name"]) if rows else None


def claims_of(pod: Json) -> list[Ref]:
    """The claims that a pod mounts."""
    meta = pod["metadata"]
    return [
        Ref(CLAIM, meta.get("namespace", ""), volume["persistentVolumeClaim"]["claimName"])
        for volume in (pod.get("spec") or {}).get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    ]
