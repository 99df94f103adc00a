"""Claims, volumes and the pods that wait for them."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref
from hauberk.kinds.core.persistentvolumeclaim import KIND
from hauberk.node.claims import own_folder, waits_for
from hauberk.node.reclaim import is_due
from hauberk.ports import Snapshot
from hauberk.testing.stored import Stored
from hauberk.workloads.storage import claim, volume
from hauberk.workloads.storage.names import LOCAL_CLASS, default_class

Raw = dict[str, Any]


def snapshot_of(*objs: Any) -> Snapshot:
    return Stored(*objs).snapshot()


def a_claim(**spec: Any) -> Raw:
    body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    meta = {"name": "data", "namespace": "a", "uid": "u"}
    return KIND.default({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": body})


def a_volume(name: str = "v", size: str = "1Gi", **spec: Any) -> Raw:
    body = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/x"},
        **spec,
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": body}


def planned(raw: Raw, *volumes: Raw, cls: Any = LOCAL_CLASS, consumer: bool = False) -> Any:
    parsed = KIND.parse(raw)
    named = next((v for v in volumes if v["metadata"]["name"] == parsed.spec.volume_name), None)
    found = cls if parsed.spec.storage_class_name else None
    return claim.plan(
        claim.World(
            raw=raw, claim=parsed, storage_class=found, volume=named, volumes=volumes, consumer=consumer
        ),
        0,
    )


@pytest.mark.parametrize(
    ("situation", "spec", "cls", "consumer", "reason"),
    [
        ("no pod asks for it yet", {"storageClassName": "local"}, LOCAL_CLASS, False, "WaitForFirstConsumer"),
        ("a pod asks for it", {"storageClassName": "local"}, LOCAL_CLASS, True, "ProvisioningSucceeded"),
        ("a class that is not there", {"storageClassName": "x"}, None, True, "ProvisioningFailed"),
        ("another's class", {"storageClassName": "x"}, {"provisioner": "ebs"}, True, "ExternalProvisioning"),
        ("no class", {"storageClassName": ""}, None, True, "FailedBinding"),
    ],
)  # fmt: skip
def test_a_claim_that_waits_says_for_what(
    situation: str, spec: Raw, cls: Any, consumer: bool, reason: str
) -> None:
    got = planned(a_claim(**spec), cls=cls, consumer=consumer)
    assert [n.reason for n in got.notes] == [reason], situation
    assert got.status["phase"] == "Pending"


def test_a_made_volume_is_kept_for_its_claim_in_a_folder_of_its_own() -> None:
    (made,) = planned(a_claim(storageClassName="local"), consumer=True).others
    assert made["spec"]["claimRef"]["uid"] == "u"
    assert own_folder(made) == made["metadata"]["name"] == "pvc-u"
    bound = planned(a_claim(storageClassName="local"), made, consumer=True)
    assert bound.status["phase"] == "Bound"
    assert [p["spec"]["volumeName"] for _, p in bound.patches] == ["pvc-u"]


@pytest.mark.parametrize("path", ["/var/lib/hauberk/volumes/..", "/var/lib/hauberk/volumes", "/etc", "/"])
def test_no_other_folder_is_ever_taken_for_one_of_ours(path: str) -> None:
    assert own_folder(a_volume(local={"path": path})) is None


@pytest.mark.parametrize(
    ("situation", "volumes", "want"),
    [
        ("the smallest of those", [a_volume("s", "1Mi"), a_volume("l", "9Gi"), a_volume("m", "2Gi")], "m"),
        ("one kept for it", [a_volume("a"), a_volume("b", claimRef={"name": "data", "namespace": "a"})], "b"),
        ("not one that is kept for another", [a_volume("a", claimRef={"name": "x", "namespace": "a"})], None),
        ("not one of another class", [a_volume("a", storageClassName="fast")], None),
        ("not one with fewer modes", [a_volume("a", accessModes=["ReadOnlyMany"])], None),
    ],
)  # fmt: skip
def test_which_volume(situation: str, volumes: list[Raw], want: str | None) -> None:
    got = planned(a_claim(storageClassName=""), *volumes)
    names = [p["spec"]["volumeName"] for ref, p in got.patches if ref.kind == "PersistentVolumeClaim"]
    assert names == ([want] if want else []), situation


def test_a_bound_claim_whose_volume_is_gone_is_lost() -> None:
    raw = a_claim(volumeName="v")
    raw["metadata"]["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
    assert planned(raw).status["phase"] == "Lost"


@pytest.mark.parametrize(
    ("ref", "stored", "phase"),
    [
        (None, None, "Available"),
        ({"name": "data", "namespace": "a", "uid": "u"}, a_claim(), "Bound"),
        ({"name": "data", "namespace": "a", "uid": "u"}, None, "Released"),
        ({"name": "data", "namespace": "a", "uid": "before"}, a_claim(), "Released"),
    ],
)
def test_phases(ref: Raw | None, stored: Raw | None, phase: str) -> None:
    raw = a_volume(claimRef=ref)
    assert volume.phase_of(volume.World(raw=raw, claim=stored)) == phase


@pytest.mark.parametrize(
    ("phase", "policy", "path", "due"),
    [
        ("Released", "Delete", "/var/lib/hauberk/volumes/pvc-u", True),
        ("Released", "Retain", "/var/lib/hauberk/volumes/pvc-u", False),
        ("Bound", "Delete", "/var/lib/hauberk/volumes/pvc-u", False),
        ("Released", "Delete", "/home/me", False),
    ],
)
def test_data_goes_only_when_released_by_policy_and_ours(
    phase: str, policy: str, path: str, due: bool
) -> None:
    raw = a_volume(persistentVolumeReclaimPolicy=policy, local={"path": path})
    assert is_due({**raw, "status": {"phase": phase}}) is due


def a_pod(**meta: Any) -> Raw:
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    about = {"name": "p", "namespace": "a", "uid": "p", **meta}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"volumes": volumes}}


def test_a_pod_waits_until_its_claim_is_bound() -> None:
    missing = waits_for(snapshot_of(), a_pod())
    assert missing is not None
    assert missing.text == 'persistentvolumeclaim "data" not found'
    lazy = waits_for(snapshot_of(LOCAL_CLASS, a_claim(storageClassName="local")), a_pod())
    assert lazy is not None
    assert lazy.text == ""
    eager = waits_for(snapshot_of(a_claim()), a_pod())
    assert eager is not None
    assert eager.text == "pod has unbound immediate PersistentVolumeClaims"
    assert waits_for(snapshot_of({**a_claim(), "status": {"phase": "Bound"}}), a_pod()) is None


def test_a_claim_in_use_stays_until_the_pod_is_gone() -> None:
    gone = a_claim()
    gone["metadata"] |= {
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": ["kubernetes.io/pvc-protection"],
    }
    ref = Ref("PersistentVolumeClaim", "a", "data")
    user = a_pod()
    user["spec"]["nodeName"] = "hauberk"
    assert volume.observe_claim(snapshot_of(gone, user), ref) is None
    assert volume.observe_claim(snapshot_of(gone), ref) is not None


def test_the_newest_default_class_counts() -> None:
    def named(name: str, created: str) -> Raw:
        notes = LOCAL_CLASS["metadata"]
        return {**LOCAL_CLASS, "metadata": {**notes, "name": name, "creationTimestamp": created}}

    newer, older = named("b", "2026"), named("a", "2025")
    assert default_class(snapshot_of(older, newer)) == "b"
    assert default_class(snapshot_of()) is None
