"""What volumes hold, and how their files change."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref
from hauberk.kinds.core.volume import TokenProjection
from hauberk.node.pod.fields import ConfigError, NodeFacts
from hauberk.node.pod.spec import pod_of
from hauberk.node.pod.volumes import Empty, File, Files, Host, World, payload_of, sources_of
from hauberk.store.memory import Memory

Raw = dict[str, Any]


def world() -> World:
    memory = Memory()
    rows: list[Raw] = [
        {"kind": "ConfigMap", "data": {"a": "1", "b": "2"}, "binaryData": {"c": "AAE="}},
        {"kind": "Secret", "data": {"tls.key": "a2V5"}},
    ]
    for index, row in enumerate(rows):
        obj = {"apiVersion": "v1", "metadata": {"name": "x", "namespace": "ns", "uid": row["kind"]}, **row}
        memory.apply(Ref(row["kind"], "ns", "x"), obj, index + 1)

    def token(wanted: TokenProjection) -> bytes:
        return f"token for {wanted.audience}".encode()

    return World(memory, NodeFacts("10.128.0.1"), token, "10.128.0.9")


def payload(volume: Raw) -> Any:
    spec = {"containers": [{"name": "c"}], "volumes": [{"name": "v", **volume}]}
    meta = {"name": "p", "namespace": "ns", "uid": "u", "labels": {"a": 'x"y'}}
    pod = pod_of({"metadata": meta, "spec": spec})
    return payload_of(pod, pod.spec.volumes[0], world())


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"emptyDir": {}}, Empty()),
        ({"emptyDir": {"medium": "Memory"}}, Empty(memory=True)),
        ({"hostPath": {"path": "/srv"}}, Host("/srv")),
        (
            {"configMap": {"name": "x"}},
            Files({"a": File(b"1"), "b": File(b"2"), "c": File(b"\0\1")}),
        ),
        (
            {"configMap": {"name": "x", "items": [{"key": "a", "path": "d/e", "mode": 0o400}]}},
            Files({"d/e": File(b"1", 0o400)}),
        ),
        ({"configMap": {"name": "no", "optional": True}}, Files({})),
        ({"secret": {"secretName": "x", "defaultMode": 0o600}}, Files({"tls.key": File(b"key", 0o600)})),
        (
            {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            Files({"l": File(b'a="x\\"y"')}),
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"configMap": {"name": "x", "items": [{"key": "a", "path": "a"}]}},
                        {"secret": {"name": "x"}},
                        {"serviceAccountToken": {"path": "token", "audience": "istio-ca"}},
                    ]
                }
            },
            Files({"a": File(b"1"), "tls.key": File(b"key"), "token": File(b"token for istio-ca")}),
        ),
    ],
)
def test_payloads(volume: Raw, expected: Any) -> None:
    assert payload(volume) == expected


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"secret": {"secretName": "no"}}, 'secret "no" not found'),
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        (
            {"configMap": {"name": "x", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent configmap key: z",
        ),
        ({"persistentVolumeClaim": {"claimName": "c"}}, 'persistentvolumeclaim "c" not found'),
        ({"nfs": {"server": "s"}}, "volumes of this source are not built: nfs"),
    ],
)
def test_a_volume_without_a_source_says_why(volume: Raw, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        payload(volume)


def test_everything_a_pod_refers_to_is_known() -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s2", "key": "k"}}}]
    spec = {
        "containers": [{"name": "c", "env": env, "envFrom": [{"configMapRef": {"name": "c2"}}]}],
        "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "s3"}}]}],
        "volumes": [
            {"name": "a", "configMap": {"name": "c1"}},
            {"name": "b", "secret": {"secretName": "s1"}},
            {"name": "d", "projected": {"sources": [{"configMap": {"name": "c3"}}]}},
        ],
    }
    pod = pod_of({"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": spec})
    assert {str(ref) for ref in sources_of(pod)} == {
        *(f"ConfigMap ns/c{n}" for n in (1, 2, 3)),
        *(f"Secret ns/s{n}" for n in (1, 2, 3)),
    }
