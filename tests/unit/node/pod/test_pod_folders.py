"""The directories of the machine that the data plane's processes get."""

from pathlib import Path

import pytest

from hauberk.base.paths import Paths
from hauberk.node.images import table
from hauberk.node.pod.launch import folders_of, workload_of
from hauberk.node.pod.spec import pod_of

PATHS = Paths(Path("/run/x"), Path("/data/x"))


def owned(kind: str = "", name: str = "", **labels: str):
    owners = [{"kind": kind, "name": name, "controller": True}] if kind else []
    meta = {"name": "p-1", "namespace": "ns", "uid": "u1", "labels": labels, "ownerReferences": owners}
    return pod_of({"metadata": meta, "spec": {"containers": [{"name": "c", "image": "i"}]}})


@pytest.mark.parametrize(
    ("pod", "name"),
    [
        (owned("ReplicaSet", "imc-dispatcher-5d8f", **{"pod-template-hash": "5d8f"}), "imc-dispatcher"),
        (owned("ReplicaSet", "by-hand"), "by-hand"),
        (owned("StatefulSet", "kafka-source-dispatcher"), "kafka-source-dispatcher"),
        (owned(), "p-1"),
    ],
)
def test_replicas_of_a_workload_share_a_name(pod, name: str) -> None:
    assert workload_of(pod) == name


def test_eventing_gets_the_pods_folder_and_the_workloads() -> None:
    image = table.builtin("eventing", "hauberk.local/eventing")
    assert image is not None
    pod = owned("ReplicaSet", "imc-dispatcher-5d8f", **{"pod-template-hash": "5d8f"})
    mounts = {m.target: (m.source, m.read_only) for m in folders_of(pod, image, PATHS)}
    assert mounts == {
        "/run/hauberk": ("/run/x/pods/u1/component", False),
        "/var/lib/hauberk": ("/data/x/workloads/ns/imc-dispatcher", False),
    }
    assert PATHS.control_socket("u1").parent == PATHS.component("u1")


def test_eventing_runs_without_site_packages_hooks_and_is_not_a_waiting_component() -> None:
    image = table.builtin("eventing", "hauberk.local/eventing")
    assert image is not None
    assert image.role is None  # the pod dials: its sidecar gets clusters for what it calls
    assert image.entrypoint[-2:] == ("-m", "hauberk.dataplane")
    assert all(Path(folder).is_dir() for folder in image.env["PYTHONPATH"].split(":"))
