"""PersistentVolumeClaim → the volume it is bound to: one that is there, or a new local one. Pure.

| class                          | consumer | what happens                                        |
|--------------------------------|----------|-----------------------------------------------------|
| any, a volume fits             | any      | bound (WaitForFirstConsumer: when a pod asks for it) |
| `hauberk.dev/local`, Immediate | any      | a volume is made                                    |
| `hauberk.dev/local`, Wait…     | none     | Pending, event WaitForFirstConsumer                 |
| of another provisioner         | any      | Pending, event ExternalProvisioning                 |
| missing                        | any      | Pending, event ProvisioningFailed                   |

Source: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go (syncUnboundClaim, syncBoundClaim,
bind); kubernetes-sigs/sig-storage-lib-external-provisioner controller/controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.quantities import parse_quantity
from hauberk.base.refs import Json, Ref, annotations_of, labels_of, ref_of
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.kinds.apps.selector import matches
from hauberk.kinds.core.persistentvolumeclaim import KIND, PersistentVolumeClaim
from hauberk.kinds.storage.storageclass import PROVISIONER
from hauberk.ports import Snapshot
from hauberk.workloads.pods import ENDED
from hauberk.workloads.storage import names


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A claim, its class, the volumes it may have, and whether a pod asks for it."""

    raw: Json
    claim: PersistentVolumeClaim
    storage_class: Json | None
    volume: Json | None
    volumes: Sequence[Json]
    consumer: bool

    @property
    def class_name(self) -> str:
        """Empty: none, also by default."""
        return self.claim.spec.storage_class_name or ""


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a claim and what it may be bound to."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    claim = KIND.parse(raw)
    named = claim.spec.volume_name
    asked = claim.spec.storage_class_name
    return World(
        raw=raw,
        claim=claim,
        storage_class=snapshot.get(Ref(names.CLASS, "", asked)) if asked else None,
        volume=snapshot.get(Ref(names.VOLUME, "", named)) if named else None,
        volumes=() if named else tuple(snapshot.list(names.VOLUME)),
        consumer=not named and any(ref in names.claims_of(p) for p in _alive(snapshot, ref.namespace)),
    )


def _alive(snapshot: Snapshot, namespace: str) -> list[Json]:
    pods = snapshot.list("Pod", namespace)
    return [p for p in pods if (p.get("status") or {}).get("phase") not in ENDED]


def plan(world: World, _now: float) -> Plan:
    """Bind, make, or wait."""
    if world.claim.spec.volume_name:
        return _named(world)
    waits = (world.storage_class or {}).get("volumeBindingMode") == "WaitForFirstConsumer"
    if waits and not world.consumer:
        return _pending(
            Note("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        )
    found = _fitting(world)
    if found is not None:
        return _bind(world, found)
    return _provision(world)


def _pending(*notes: Note) -> Plan:
    return Plan(status={"observedGeneration": None, "phase": "Pending"}, notes=notes)


def _named(world: World) -> Plan:
    """A claim that has a volume, or asks for this one."""
    name, volume = world.claim.spec.volume_name, world.volume
    was_bound = names.BIND_COMPLETED in annotations_of(world.raw)
    if volume is None:
        if not was_bound:
            text = f'volume "{name}" not found'
            return _pending(Note("FailedBinding", text, "Warning"))
        text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        return Plan(
            status={"observedGeneration": None, "phase": "Lost"},
            notes=(Note("ClaimLost", text, "Warning"),),
        )
    ref = (volume.get("spec") or {}).get("claimRef") or {}
    if ref.get("uid") not in (None, "", world.raw["metadata"]["uid"]):
        text = f'volume "{name}" already bound to a different claim.'
        if was_bound:
            text = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
            return Plan(
                status={"observedGeneration": None, "phase": "Lost"},
                notes=(Note("ClaimLost", text, "Warning"),),
            )
        return _pending(Note("FailedBinding", text, "Warning"))
    return _bind(world, volume)


def _bind(world: World, volume: Json) -> Plan:
    """Write the claim into the volume and the volume into the claim."""
    name, patches = volume["metadata"]["name"], []
    wanted = claim_reference(world.raw)
    ref = (volume.get("spec") or {}).get("claimRef") or {}
    if ref.get("uid") != wanted["uid"]:
        patches.append((ref_of(volume), {"spec": {"claimRef": wanted}}))
    notes = annotations_of(world.raw)
    if world.claim.spec.volume_name != name or names.BIND_COMPLETED not in notes:
        said = {names.BIND_COMPLETED: "yes"}
        if not world.claim.spec.volume_name:
            said[names.BOUND_BY_CONTROLLER] = "yes"
        patches.append((ref_of(world.raw), {"metadata": {"annotations": said}, "spec": {"volumeName": name}}))
    spec = volume.get("spec") or {}
    status = {
        "observedGeneration": None,
        "phase": "Bound",
        "accessModes": list(spec.get("accessModes") or ()),
        "capacity": {"storage": (spec.get("capacity") or {}).get("storage", "0")},
    }
    return Plan(patches=tuple(patches), status=status)


def claim_reference(claim: Json) -> dict[str, Any]:
    """The claim as a volume names it."""
    meta = claim["metadata"]
    said = {"apiVersion": "v1", "kind": names.CLAIM}
    return {**said, "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def _fitting(world: World) -> Json | None:
    """The smallest free volume that has what is asked for; one that is kept for this claim first.

    Source: kubernetes pkg/volume/util/nested_volumes (FindMatchingVolume).
    """
    rows = [v for v in world.volumes if _fits(world, v)]
    rows.sort(key=lambda v: (not v["spec"].get("claimRef"), _size(v), v["metadata"]["name"]))
    return rows[0] if rows else None


def _size(volume: Json) -> float:
    return float(parse_quantity(str((volume["spec"].get("capacity") or {}).get("storage", "0"))))


def _fits(world: World, volume: Json) -> bool:
    spec, meta, asked = volume.get("spec") or {}, world.raw["metadata"], world.claim.spec
    ref = spec.get("claimRef") or {}
    if ref and (ref.get("name"), ref.get("namespace")) != (meta["name"], meta["namespace"]):
        return False
    if ref.get("uid") not in (None, "", meta["uid"]) or volume["metadata"].get("deletionTimestamp"):
        return False
    if (spec.get("storageClassName") or "") != world.class_name:
        return False
    if not set(asked.access_modes) <= set(spec.get("accessModes") or ()):
        return False
    if spec.get("volumeMode", "Filesystem") != (asked.volume_mode or "Filesystem"):
        return False
    if asked.selector is not None and not matches(asked.selector, labels_of(volume)):
        return False
    return _size(volume) >= float(parse_quantity(str((asked.resources.requests or {}).get("storage", "0"))))


def _provision(world: World) -> Plan:
    name = world.class_name
    if not name:
        text = "no persistent volumes available for this claim and no storage class is set"
        return _pending(Note("FailedBinding", text))
    if world.storage_class is None:
        text = f'storageclass.storage.k8s.io "{name}" not found'
        return _pending(Note("ProvisioningFailed", text, "Warning"))
    provisioner = world.storage_class.get("provisioner", "")
    if provisioner != PROVISIONER:
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or "
            "manually by the system administrator. If volume creation is delayed, please verify that the "
            "provisioner is running and correctly registered."
        )
        return _pending(Note("ExternalProvisioning", text))
    if world.claim.spec.volume_mode == "Block":
        return _pending(Note("ProvisioningFailed", "block devices are not made here", "Warning"))
    if world.claim.spec.selector is not None:
        text = "claim.Spec.Selector is not supported"
        return _pending(Note("ProvisioningFailed", text, "Warning"))
    volume = make_volume(world.raw, world.storage_class)
    made = Note("ProvisioningSucceeded", f"Successfully provisioned volume {volume['metadata']['name']}")
    said = {names.STORAGE_PROVISIONER: PROVISIONER, names.SELECTED_NODE: names.NODE}
    return Plan(
        others=(volume,),
        patches=((ref_of(world.raw), {"metadata": {"annotations": said}}),),
        status={"observedGeneration": None, "phase": "Pending"},
        notes=(made,),
    )


def make_volume(claim: Json, storage_class: Json) -> Json:
    """A directory of the node, kept for this claim."""
    name = f"pvc-{claim['metadata']['uid']}"
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [names.NODE]}
    spec = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": names.VOLUME,
        "metadata": {"name": name, "annotations": {names.PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": list(spec["accessModes"]),
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": storage_class["metadata"]["name"],
            "volumeMode": "Filesystem",
            "claimRef": claim_reference(claim),
            "local": {"path": f"{names.ROOT}/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


def wake_by_volume(volume: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a volume to the claim it is kept for, or to all that wait."""
    ref = (volume.get("spec") or {}).get("claimRef") or {}
    if ref.get("name"):
        return (Ref(names.CLAIM, ref.get("namespace", ""), ref["name"]),)
    return [ref_of(c) for c in snapshot.list(names.CLAIM) if not (c.get("spec") or {}).get("volumeName")]


def wake_by_class(row: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a class to the claims that wait for it."""
    name = row["metadata"]["name"]
    return [
        ref_of(c)
        for c in snapshot.list(names.CLAIM)
        if (c.get("spec") or {}).get("storageClassName") == name and not c["spec"].get("volumeName")
    ]


def wake_by_pod(pod: Json, _: Snapshot) -> Sequence[Ref]:
    """From a pod that is not placed yet to its claims."""
    return () if (pod.get("spec") or {}).get("nodeName") else names.claims_of(pod)


CONTROLLER = Controller(
    name="volume-claim",
    kind=names.CLAIM,
    wakes={names.VOLUME: wake_by_volume, names.CLASS: wake_by_class, "Pod": wake_by_pod},
    observe=observe,
    plan=plan,
)
"""The volume of a claim."""
