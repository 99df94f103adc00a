"""Templates beyond one container: what needs a flag of config-features, and what the cluster cannot give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hauberk.testing.cluster import eventually

FLAGS = (
    "kubernetes.podspec-init-containers",
    "kubernetes.podspec-persistent-volume-claim",
    "kubernetes.podspec-persistent-volume-write",
)
SHELL = "hauberk.local/curl"
WORK = [{"name": "work", "mountPath": "/work"}]


@pytest.fixture
def flags(mesh: Any) -> Iterator[None]:
    """The features, switched on through the KnativeServing as an administrator does."""

    def put(value: str | None) -> None:
        patch = {"spec": {"config": {"features": dict.fromkeys(FLAGS, value)}}}
        place = "knativeserving", "knative-serving", "-n", "knative-serving"
        mesh.cluster.must("patch", *place, "--type=merge", "-p", json.dumps(patch))

    def shown() -> Any:
        return mesh.get("configmap", "config-features", "knative-serving").get("data") or {}

    put("enabled")
    eventually(lambda: set(FLAGS) <= set(shown()), what="the ConfigMap has the flags")
    yield
    put(None)


def claiming(mesh: Any) -> Any:
    source = {"persistentVolumeClaim": {"claimName": "data"}}
    container = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return mesh.manifest("claiming", container=container, spec={"volumes": [{"name": "data", **source}]})


def test_a_claim_is_refused_without_the_flag(mesh: Any) -> None:
    refused = mesh.cluster.run("apply", "-f", "-", text=json.dumps(claiming(mesh)))
    assert refused.code
    assert (
        "Persistent volume claim support is disabled, but found persistent volume claim data" in refused.err
    )


def test_an_init_container_prepares_what_two_containers_share(
    mesh: Any, gone: Any, protocols: str, flags: None
) -> None:
    gone("prepared")
    made = mesh.manifest(
        "prepared",
        protocols,
        notes={"autoscaling.knative.dev/min-scale": "1"},
        container={"name": "main", "ports": [{"containerPort": 8080}], "volumeMounts": WORK},
        spec={"volumes": [{"name": "work", "emptyDir": {}}]},
    )
    spec = made["spec"]["template"]["spec"]
    write = "echo prepared > /work/word"
    spec["initContainers"] = [{"image": SHELL, "command": ["sh", "-c", write], "volumeMounts": WORK}]
    also = "echo beside > /work/also; sleep 3600"
    spec["containers"].append(
        {"name": "side", "image": SHELL, "command": ["sh", "-c", also], "volumeMounts": WORK}
    )
    mesh.cluster.apply(json.dumps(made))
    eventually(lambda: mesh.is_settled("prepared"), within_s=20, what="Ready")
    host = mesh.host("prepared")
    assert mesh.call(host, "/file?/work/word").text == "prepared"
    eventually(
        lambda: mesh.call(host, "/file?/work/also").text == "beside", what="the second container wrote"
    )
    revision = mesh.get("rev", "prepared-00001")
    assert [c["name"] for c in revision["spec"]["initContainers"]] == ["init-container"]
    assert [c["name"] for c in revision["status"]["initContainerStatuses"]] == ["init-container"]


def test_with_the_flag_the_author_is_told_that_no_provisioner_fills_the_claim(
    mesh: Any, gone: Any, flags: None
) -> None:
    gone("claiming")
    made = mesh.cluster.run("apply", "-f", "-", text=json.dumps(claiming(mesh)))
    assert not made.code, made.err
    assert "Warning: volume 'data' waits for PersistentVolumeClaim 'data'" in made.err
    assert "no provisioner" in made.err
