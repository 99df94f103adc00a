"""What a pod gets of its ServiceAccount, and what may not change."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.apierrors import Forbidden, Invalid
from hauberk.base.refs import Json, ref_of
from hauberk.ports_admission import Request
from hauberk.store.memory import Memory
from hauberk.workloads import addresses, podaccess, updates


def account(**fields: Any) -> dict[str, Any]:
    meta = {"name": "default", "namespace": "a"}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, **fields}


def request(obj: Json, *stored: Json, old: Json | None = None, kind: str = "Pod") -> Request:
    memory = Memory()
    for i, it in enumerate(stored):
        memory.apply(ref_of(it), it, i + 1)
    return Request(
        kind=kind, operation="UPDATE" if old else "CREATE", obj=obj, old=old, namespace="a", subresource="",
        user="u", snapshot=memory, options={},
    )  # fmt: skip


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"containers": [{"name": "c"}], **spec},
    }


MOUNTED = {"name": "v", "mountPath": podaccess.MOUNT_PATH}


@pytest.mark.parametrize(
    ("spec", "fields", "mounted"),
    [
        ({}, {}, True),
        ({"automountServiceAccountToken": False}, {}, False),
        ({}, {"automountServiceAccountToken": False}, False),
        ({"automountServiceAccountToken": True}, {"automountServiceAccountToken": False}, True),
        ({"containers": [{"name": "c", "volumeMounts": [MOUNTED]}]}, {}, False),
    ],
)  # fmt: skip
def test_the_volume_is_mounted_unless_told_otherwise(
    spec: dict[str, Any], fields: dict[str, Any], mounted: bool
) -> None:
    outcome = podaccess.admit(request(pod(**spec), account(**fields)))
    assert outcome.obj is not None
    assert bool(outcome.obj["spec"].get("volumes")) is mounted
    assert outcome.obj["spec"]["serviceAccountName"] == "default"


def test_pull_secrets_come_from_the_account() -> None:
    outcome = podaccess.admit(request(pod(), account(imagePullSecrets=[{"name": "s"}])))
    assert outcome.obj is not None
    assert outcome.obj["spec"]["imagePullSecrets"] == [{"name": "s"}]


def test_an_account_that_is_not_there_refuses_the_pod() -> None:
    with pytest.raises(Forbidden, match=r'pods "p" is forbidden: error looking up service account a/x'):
        podaccess.admit(request(pod(serviceAccountName="x"), account()))


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "a"}, "spec": spec}


def test_a_service_keeps_its_address_and_loses_it_when_it_becomes_an_alias() -> None:
    old = service(type="ClusterIP", clusterIP="172.30.9.9", clusterIPs=["172.30.9.9"])
    kept = addresses.admit(request(service(type="ClusterIP"), old, old=old, kind="Service")).obj
    assert kept is not None
    assert kept["spec"]["clusterIP"] == "172.30.9.9"
    alias = service(type="ExternalName", externalName="x.y", ipFamilies=["IPv4"])
    lost = addresses.admit(request(alias, old, old=old, kind="Service")).obj
    assert lost is not None
    assert lost["spec"] == {"type": "ExternalName", "externalName": "x.y"}


def test_a_headless_service_stays_headless() -> None:
    got = addresses.admit(request(service(type="ClusterIP", clusterIP="None"), kind="Service")).obj
    assert got is not None
    assert got["spec"]["clusterIPs"] == ["None"]


def test_the_type_of_a_secret_is_fixed() -> None:
    old = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "a"},
        "type": "Opaque",
    }
    with pytest.raises(Invalid, match=r'Secret "s" is invalid: type: Invalid value: "x": field is immutable'):
        updates.admit(request({**old, "type": "x"}, old=old, kind="Secret"))
