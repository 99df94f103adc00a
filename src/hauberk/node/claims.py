"""What a pod's claims mean for the node: whether it may be placed, and where their data is. Pure.

Source: kubernetes pkg/scheduler/framework/plugins/volumebinding/volume_binding.go (PreFilter).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from hauberk.base.refs import Json, Ref
from hauberk.base.times import rfc3339
from hauberk.ports import Snapshot

CLAIM, VOLUME, CLASS = "PersistentVolumeClaim", "PersistentVolume", "StorageClass.storage.k8s.io"
ROOT = PurePosixPath("/var/lib/hauberk/volumes")
"""The place of volumes as PersistentVolumes say it; below the cluster's data directory in truth."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a pod is not placed yet; an empty text: the binding is under way."""

    text: str = ""

    @property
    def message(self) -> str:
        """As the scheduler says it."""
        return (
            f"0/1 nodes are available: {self.text}. preemption: 0/1 nodes are available: 1 Preemption is not "
            "helpful for scheduling."
        )


def claims_of(pod: Json) -> list[str]:
    """The names of the claims that a pod mounts."""
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    return [v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")]


def waits_for(snapshot: Snapshot, pod: Json) -> Wait | None:
    """None: the pod may be placed."""
    namespace = pod["metadata"].get("namespace", "")
    found: Wait | None = None
    for name in claims_of(pod):
        claim = snapshot.get(Ref(CLAIM, namespace, name))
        if claim is None:
            return Wait(f'persistentvolumeclaim "{name}" not found')
        if claim["metadata"].get("deletionTimestamp"):
            return Wait(f'persistentvolumeclaim "{name}" is being deleted')
        phase = (claim.get("status") or {}).get("phase")
        if phase == "Lost":
            return Wait(f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume')
        if phase != "Bound":
            row = snapshot.get(Ref(CLASS, "", (claim.get("spec") or {}).get("storageClassName") or ""))
            lazy = (row or {}).get("volumeBindingMode") == "WaitForFirstConsumer"
            found = found or Wait("" if lazy else "pod has unbound immediate PersistentVolumeClaims")
    return found


def unplaced(message: str, now: float) -> Json:
    """The status of a pod that cannot be placed yet."""
    row = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [{**row, "lastTransitionTime": rfc3339(now)}]}


def own_folder(volume: Json) -> str | None:
    """The name of the folder below the data directory, for a volume that was made here."""
    path = PurePosixPath(((volume.get("spec") or {}).get("local") or {}).get("path") or "/")
    return path.name if path.parent == ROOT and path.name not in ("", ".", "..") else None
