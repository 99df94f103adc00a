"""Clusters of others in the mesh's words; what applies to their pods; what becomes of a call there."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.explain.describe import describe_pod, describe_service
from hauberk.explain.proxies import Row, row_of
from hauberk.explain.seen import Seen, seen_of
from hauberk.explain.trace import trace
from hauberk.explain.words import Say, as_text


def obj(api: str, kind: str, namespace: str, name: str, **rest: Any) -> dict[str, Any]:
    labels = rest.pop("labels", {})
    place = {"namespace": namespace} if namespace else {}
    meta = {"name": name, "labels": labels, "uid": f"{namespace}/{name}", **place}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def pod(namespace: str, name: str, ip: str, *, sidecar: bool = True) -> dict[str, Any]:
    containers = [{"name": "app", "image": "registry.example.com/app"}]
    proxies = [
        {"name": "istio-proxy", "image": "registry.example.com/proxyv2:1.26", "restartPolicy": "Always"}
    ]
    spec = {"containers": containers, **({"initContainers": proxies} if sidecar else {})}
    return obj("v1", "Pod", namespace, name, labels={"app": name}, spec=spec, status={"podIP": ip})


ISTIO = obj("sailoperator.io/v1", "Istio", "", "default", spec={"namespace": "istio-system"})
STRICT = obj(
    "security.istio.io/v1",
    "PeerAuthentication",
    "istio-system",
    "mesh-mtls",
    spec={"mtls": {"mode": "STRICT"}},
)
SERVICE = obj(
    "v1",
    "Service",
    "shop",
    "server",
    spec={"selector": {"app": "server"}, "ports": [{"name": "http", "port": 80}]},
)
SLICE = obj(
    "discovery.k8s.io/v1",
    "EndpointSlice",
    "shop",
    "server-1",
    labels={"kubernetes.io/service-name": "server"},
    addressType="IPv4",
    ports=[{"name": "http", "port": 80, "protocol": "TCP"}],
    endpoints=[
        {
            "addresses": ["10.0.0.1"],
            "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "name": "server", "namespace": "shop", "uid": "shop/server"},
        }
    ],
)
POLICY = obj(
    "security.istio.io/v1",
    "AuthorizationPolicy",
    "shop",
    "own",
    spec={"rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}]},
)
WORLD = [
    ISTIO,
    STRICT,
    SERVICE,
    SLICE,
    POLICY,
    *(
        obj("v1", "Namespace", "", n, labels={"istio-injection": "enabled"} if n != "out" else {})
        for n in ("shop", "bank", "out")
    ),
    pod("shop", "server", "10.0.0.1"),
    pod("shop", "client", "10.0.0.2"),
    pod("bank", "client", "10.0.0.3"),
    pod("out", "client", "10.0.0.4", sidecar=False),
]


@pytest.fixture
def seen() -> Seen:
    return seen_of(WORLD)


def last(rows: list[Say]) -> tuple[str, str]:
    return rows[-1].mark, rows[-1].decides


def test_a_mesh_of_the_sail_operator_and_a_native_sidecar_are_understood(seen: Seen) -> None:
    rows = describe_pod(seen, "shop", "server")
    assert rows[0].words == "in the mesh of istio-system, with a sidecar"
    assert rows[1].words == "spiffe://cluster.local/ns/shop/sa/default"
    ports = {row.about: row.decides for row in rows}
    assert ports["port 80"] == "PeerAuthentication istio-system/mesh-mtls, for the mesh"
    assert ports["policy"] == "AuthorizationPolicy.security.istio.io shop/own"


def test_a_pod_outside_says_why(seen: Seen) -> None:
    rows = describe_pod(seen, "out", "client")
    assert rows[1].words == "out is in no mesh"


def test_a_service_shows_how_its_endpoints_are_reached(seen: Seen) -> None:
    assert "1 endpoints, 1 of them over mTLS" in as_text(describe_service(seen, "shop", "server"))


@pytest.mark.parametrize(
    ("source", "mark", "decides"),
    [
        ("shop/client", "passes", "AuthorizationPolicy.security.istio.io shop/own"),
        ("bank/client", "refused", "AuthorizationPolicy.security.istio.io shop/own"),
        ("out/client", "refused", "PeerAuthentication istio-system/mesh-mtls, for the mesh"),
    ],
)
def test_a_call_ends_where_the_resource_that_is_named_decides(
    seen: Seen, source: str, mark: str, decides: str
) -> None:
    assert last(trace(seen, source, "shop/server")) == (mark, decides)
    assert last(trace(seen, source, "http://server.shop.svc:80/x")) == (mark, decides)


def test_a_port_that_the_service_lacks_has_nobody_behind_it(seen: Seen) -> None:
    (mark, decides) = last(trace(seen, "shop/client", "http://server.shop:81"))
    assert (mark, decides) == ("refused", "Service shop/server")


def test_what_is_not_there_is_refused_with_a_neighbour(seen: Seen) -> None:
    with pytest.raises(Problem) as told:
        describe_pod(seen, "shop", "servr")
    assert told.value.fix == "hauberk mesh describe pod server --namespace shop"
    with pytest.raises(Problem, match="no destination"):
        trace(seen, "shop/client", "ftp://x")


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"cluster_sent": "1", "cluster_acked": "1"}, "SYNCED"),
        ({"cluster_sent": "2", "cluster_acked": "1"}, "STALE"),
        ({}, "NOT SENT"),
    ],
)
def test_istiods_nonces_are_a_state(entry: dict[str, str], status: str) -> None:
    assert row_of({"proxy": "a.b", **entry}) == Row("a.b", status)
