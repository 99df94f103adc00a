"""Pods as endpoints, ports by name, addresses by Service."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.workloads.addresses import NETWORK, free_address
from hauberk.workloads.endpoints import World, make_endpoint, plan


def service(**spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "a", "uid": "u", "labels": {"of": "me"}},
        "spec": {"selector": {"app": "s"}, "ports": ports, **spec},
    }


def pod(
    name: str, *, ready: bool = True, port: int = 8080, ip: str = "10.128.0.2", **meta: Any
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "uid": name, **meta},
        "spec": {"nodeName": "hauberk", "containers": [{"ports": [{"name": "web", "containerPort": port}]}]},
        "status": {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


@pytest.mark.parametrize(
    ("ready", "ending", "publish", "want"),
    [
        (True, False, False, (True, True, False)),
        (False, False, False, (False, False, False)),
        (False, False, True, (True, True, False)),
        (True, True, False, (False, True, True)),
        (True, True, True, (True, True, True)),
    ],
)
def test_conditions(ready: bool, ending: bool, publish: bool, want: tuple[bool, bool, bool]) -> None:
    meta = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if ending else {}
    row = make_endpoint(service(publishNotReadyAddresses=publish), pod("p", ready=ready, **meta))
    assert tuple(row["conditions"][k] for k in ("ready", "serving", "terminating")) == want


def test_pods_whose_named_port_differs_are_in_slices_of_their_own() -> None:
    children = plan(World(service=service(), pods=(pod("p"), pod("q", port=9090))), 0.0).children
    slices = [c for c in children if c["kind"] == "EndpointSlice"]
    assert sorted(s["ports"][0]["port"] for s in slices) == [8080, 9090]
    assert len({s["metadata"]["name"] for s in slices}) == 2


def test_without_pods_there_is_one_empty_slice_with_the_services_labels() -> None:
    part, endpoints = plan(World(service=service(clusterIP="None"), pods=()), 0.0).children
    assert part["endpoints"] == []
    assert part["metadata"]["labels"] == {
        "of": "me",
        "kubernetes.io/service-name": "s",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "service.kubernetes.io/headless": "",
    }
    assert endpoints["subsets"] == []


def test_aliases_and_services_without_selector_are_left_alone() -> None:
    for spec in ({"selector": None}, {"type": "ExternalName"}):
        assert plan(World(service=service(**spec), pods=()), 0.0).children == ()


def test_addresses_follow_from_the_name_and_never_collide() -> None:
    taken: set[str] = set()
    for i in range(500):
        address = free_address({"namespace": "a", "name": f"s{i}"}, taken.__contains__)
        assert address not in taken
        assert address.startswith("172.30.")
        taken.add(address)
    nothing: set[str] = set()
    first, again = (free_address({"namespace": "a", "name": "s7"}, nothing.__contains__) for _ in range(2))
    assert first == again
    assert NETWORK.num_addresses == 65536
