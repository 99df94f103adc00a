"""A rule that selects no running pod says so, and stops saying so when one comes."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref
from hauberk.kinds.istio_networking import destination_rule
from hauberk.mesh.model import Domain, Endpoint, Port, Protocol, Service, Settings
from hauberk.mesh.routing import destination_of
from hauberk.mesh.selectors import SELECTING, empty_subsets, unmatched
from hauberk.mesh.workloads import Workload

HOST = "web.a.svc.cluster.local"


def pod(namespace: str = "a", *, ip: str = "10.0.0.1", **more: Any) -> Workload:
    labels = more.pop("labels", {"app": "web"})
    return Workload(
        uid="u", name="p", namespace=namespace, service_account="default", ip=ip,
        labels=tuple(labels.items()), **{"sidecar": True, **more},
    )  # fmt: skip


def reasons(kind: str, spec: dict[str, Any], *pods: Workload, namespace: str = "a") -> list[str]:
    """What is found about one rule; the mesh's root is `root`."""
    ((row, of),) = [(k, f) for k, f in SELECTING if k.name == kind]
    version = f"{row.group}/v1"
    meta = {"name": "x", "namespace": namespace}
    raw = {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
    made = of(raw, row.parse(raw), "root")
    return [f.reason for f in unmatched([made] if made is not None else [], pods)]


WEB = {"selector": {"matchLabels": {"app": "web"}}}
GATE = {"selector": {"app": "web"}, "servers": []}
ENTRY = {"hosts": ["e.example"], "ports": [{"number": 80, "name": "http"}],
         "workloadSelector": {"labels": {"app": "web"}}, "resolution": "STATIC"}  # fmt: skip
NOBODY = ["NoMatchingWorkloads"]


@pytest.mark.parametrize(
    ("kind", "spec", "pods", "want"),
    [
        ("Gateway", GATE, [pod(gateway=True, sidecar=False)], []),
        ("Gateway", GATE, [pod("elsewhere", gateway=True, sidecar=False)], []),
        ("Gateway", GATE, [pod()], NOBODY),
        ("Gateway", GATE, [pod(gateway=True, labels={"app": "other"})], NOBODY),
        ("Gateway", GATE, [pod(gateway=True, ip="")], NOBODY),
        ("AuthorizationPolicy", WEB, [pod()], []),
        ("AuthorizationPolicy", WEB, [pod("b")], NOBODY),
        ("AuthorizationPolicy", WEB, [pod(sidecar=False)], NOBODY),
        ("AuthorizationPolicy", {}, [], []),
        ("PeerAuthentication", WEB, [pod()], []),
        ("PeerAuthentication", WEB, [pod(sidecar=False)], []),  # as Knative ships for its webhooks
        ("PeerAuthentication", WEB, [], NOBODY),
        ("PeerAuthentication", {}, [], []),
        ("ServiceEntry", ENTRY, [pod(sidecar=False)], []),
        ("ServiceEntry", ENTRY, [pod("b")], NOBODY),
    ],
)
def test_a_selector_that_matches_no_running_pod_is_found(
    kind: str, spec: dict[str, Any], pods: list[Workload], want: list[str]
) -> None:
    assert reasons(kind, spec, *pods) == want


def test_a_policy_of_the_root_namespace_is_for_every_namespace() -> None:
    assert reasons("AuthorizationPolicy", WEB, pod("b"), namespace="root") == []


@pytest.mark.parametrize(
    ("host", "labels", "want"),
    [
        ("web", {"v": "1"}, []),
        ("web", {"v": "2"}, ["SubsetHasNoPods"]),
        ("web", {}, []),
        ("gone", {"v": "2"}, []),
    ],
)
def test_a_subset_without_endpoints_is_found(host: str, labels: dict[str, str], want: list[str]) -> None:
    raw = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "x", "namespace": "a"},
        "spec": {"host": host, "subsets": [{"name": "s", "labels": labels}]},
    }
    web = Service(
        ref=Ref("Service", "a", "web"),
        host=HOST,
        namespace="a",
        ports=(Port(80, "http", Protocol.HTTP),),
        endpoints={80: (Endpoint("10.0.0.1", 80, labels=(("v", "1"),)),)},
    )
    rule = destination_of(raw, destination_rule.KIND.parse(raw))
    domain = Domain(
        settings=Settings(root="r"), namespaces=frozenset({"a"}), services=(web,), destinations=(rule,)
    )
    assert [f.reason for f in empty_subsets(domain)] == want
