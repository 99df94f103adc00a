"""Who gets a sidecar: labels and annotations of pods and namespaces, and only in member namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from stage import OUT, A, Room, join, leave, namespace

pytestmark = pytest.mark.system
ASK = "sidecar.istio.io/inject"
BY_LABEL, BY_ANNOTATION = "m-ns-label", "m-ns-note"


@pytest.fixture(scope="module")
def member_namespaces(room: Room) -> Iterator[None]:
    """Two member namespaces that ask for sidecars for all their pods."""
    room.apply(
        namespace(BY_LABEL, labels={"istio-injection": "enabled"}),
        namespace(BY_ANNOTATION, annotations={ASK: "true"}),
    )
    join(room.cluster, BY_LABEL, BY_ANNOTATION)
    yield
    leave(room.cluster, BY_LABEL, BY_ANNOTATION)
    room.cluster.run("delete", "namespace", BY_LABEL, BY_ANNOTATION, "--wait=false")


def idle(where: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": where, **metadata},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "app", "image": "hauberk.local/curl"}],
        },
    }


YES, NO = {ASK: "true"}, {ASK: "false"}


@pytest.mark.parametrize(
    ("where", "metadata", "wanted"),
    [
        (A, {"labels": YES}, True),
        (A, {"annotations": YES}, True),
        (A, {}, False),
        (A, {"labels": NO, "annotations": YES}, False),
        (BY_LABEL, {}, True),
        (BY_LABEL, {"labels": NO}, False),
        (BY_LABEL, {"annotations": NO}, False),
        (BY_ANNOTATION, {}, True),
        (OUT, {"labels": YES}, False),
    ],
    ids=[
        "pod label", "pod annotation", "nothing said", "label false wins", "namespace label",
        "pod label false wins", "pod annotation false wins", "namespace annotation", "not a member",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("member_namespaces")
def test_the_sidecar_comes_as_asked(room: Room, where: str, metadata: dict[str, Any], wanted: bool) -> None:
    pod = idle(where, "asks", **metadata)
    try:
        warned = room.apply(pod)
        stored = room.cluster.json("pod", "asks", "-n", where)
        names = [c["name"] for c in stored["spec"]["containers"]]
        assert ("istio-proxy" in names) is wanted
        assert ("istio-init" in [c["name"] for c in stored["spec"].get("initContainers", ())]) is wanted
        assert ("belongs to no mesh" in warned) is (where == OUT)
    finally:
        room.cluster.run("delete", "pod", "asks", "-n", where, "--grace-period=0", "--force")


def test_kubectl_shows_two_of_two_in_the_mesh_and_one_of_one_outside(room: Room) -> None:
    shown = {
        where: room.cluster.must("get", "pod", "client", "-n", where, "--no-headers").split()[1:3]
        for where in (A, OUT)
    }
    assert shown == {A: ["2/2", "Running"], OUT: ["1/1", "Running"]}
