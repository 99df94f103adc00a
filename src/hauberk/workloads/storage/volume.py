"""PersistentVolume → its phase; and what keeps claims and volumes that are in use from going. Pure.

The data of a released volume with reclaim policy Delete is taken away by the node, which then deletes it.

Source: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go (syncVolume, reclaimVolume);
pvcprotection/pvc_protection_controller.go; pvprotection/pv_protection_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.ports import Snapshot
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.workloads.pods import ENDED
from hauberk.workloads.storage import names


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A volume, and the claim it is kept for."""

    raw: Json
    claim: Json | None


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a volume and its claim."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    said = (raw.get("spec") or {}).get("claimRef") or {}
    claim = snapshot.get(Ref(names.CLAIM, said.get("namespace", ""), said.get("name", ""))) if said else None
    return World(raw=raw, claim=claim)


def phase_of(world: World) -> str:
    """Available, Bound, or Released when its claim is gone."""
    said = (world.raw.get("spec") or {}).get("claimRef") or {}
    if not said.get("uid"):
        return "Available"
    if world.claim is None or world.claim["metadata"]["uid"] != said["uid"]:
        return "Released"
    return "Bound"


def plan(world: World, _now: float) -> Plan:
    """The phase."""
    return Plan(status={"observedGeneration": None, "phase": phase_of(world)})


def wake(claim: Json, _: Snapshot) -> Sequence[Ref]:
    """From a claim to its volume."""
    name = (claim.get("spec") or {}).get("volumeName")
    return (Ref(names.VOLUME, "", name),) if name else ()


def observe_claim(snapshot: Snapshot, ref: Ref) -> Json | None:
    """A claim that is being deleted and that no pod uses any more."""
    claim = snapshot.get(ref)
    if claim is None or not is_deleting(claim) or names.CLAIM_PROTECTION not in _finalizers(claim):
        return None
    for pod in snapshot.list("Pod", ref.namespace):
        over = (pod.get("status") or {}).get("phase") in ENDED
        if ref in names.claims_of(pod) and not over and (pod.get("spec") or {}).get("nodeName"):
            return None
    return claim


def observe_volume(snapshot: Snapshot, ref: Ref) -> Json | None:
    """A volume that is being deleted and that no claim has any more."""
    world = observe(snapshot, ref)
    if world is None or not is_deleting(world.raw) or phase_of(world) == "Bound":
        return None
    return world.raw if names.VOLUME_PROTECTION in _finalizers(world.raw) else None


def _finalizers(obj: Json) -> Sequence[str]:
    return obj["metadata"].get("finalizers") or ()


def let_go(obj: Json, _now: float) -> Plan:
    """Take the protection off."""
    guards = (names.CLAIM_PROTECTION, names.VOLUME_PROTECTION)
    left = [f for f in _finalizers(obj) if f not in guards]
    version = obj["metadata"].get("resourceVersion")
    patch = {"metadata": {"finalizers": left or None, "resourceVersion": version}}
    return Plan(patches=((ref_of(obj), patch),))


def by_pod(pod: Json, _: Snapshot) -> Sequence[Ref]:
    """From a pod to its claims."""
    return names.claims_of(pod)


CONTROLLERS: tuple[Controller[Any], ...] = (
    Controller(name="volume", kind=names.VOLUME, wakes={names.CLAIM: wake}, observe=observe, plan=plan),
    Controller(
        name="claim-protection",
        kind=names.CLAIM,
        wakes={"Pod": by_pod},
        observe=observe_claim,
        plan=let_go,
        while_deleting=True,
    ),
    Controller(
        name="volume-protection",
        kind=names.VOLUME,
        wakes={names.CLAIM: wake},
        observe=observe_volume,
        plan=let_go,
        while_deleting=True,
    ),
)


def admit(request: Request) -> Outcome:
    """A claim without a class gets the default one; what may be in use is protected.

    Source: kubernetes plugin/pkg/admission/storage/{storageclass/setdefault,storageobjectinuseprotection}.
    """
    if request.obj is None or request.subresource:
        return Outcome()
    obj = dict(request.obj)
    guard = names.CLAIM_PROTECTION if request.kind == names.CLAIM else names.VOLUME_PROTECTION
    meta = obj["metadata"] = dict(obj["metadata"])
    finalizers = list(meta.get("finalizers") or ())
    if guard not in finalizers:
        meta["finalizers"] = [*finalizers, guard]
    if request.kind == names.CLAIM and (obj.get("spec") or {}).get("storageClassName") is None:
        found = names.default_class(request.snapshot)
        if found is not None:
            obj["spec"] = {**(obj.get("spec") or {}), "storageClassName": found}
    return Outcome(obj=obj)


ADMISSION = Admission(
    name="storage-defaults",
    kinds=(names.CLAIM, names.VOLUME),
    operations=("CREATE",),
    admit=admit,
    mutates=True,
)
