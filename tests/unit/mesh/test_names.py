"""Hosts, protocols, target ports and visibility."""

from __future__ import annotations

import pytest

from hauberk.mesh.gateways import target_ports
from hauberk.mesh.model import Protocol, exported
from hauberk.mesh.registry import protocol_of
from hauberk.mesh.routing import full_host, gateway_name, host_matches
from hauberk.mesh.workloads import Workload, image_role


@pytest.mark.parametrize(
    ("name", "app", "want"),
    [
        ("http", "", Protocol.HTTP),
        ("http-istio", "", Protocol.HTTP),
        ("http2", "", Protocol.HTTP2),
        ("grpc-api", "", Protocol.HTTP2),
        ("grpc-web-x", "", Protocol.HTTP),
        ("https", "", Protocol.TLS),
        ("tcp-db", "", Protocol.TCP),
        ("misc", "", Protocol.AUTO),
        ("", "", Protocol.AUTO),
        ("http2", "kubernetes.io/h2c", Protocol.HTTP2),
        ("http", "tcp", Protocol.TCP),
    ],
)
def test_a_port_says_what_it_speaks(name: str, app: str, want: Protocol) -> None:
    assert protocol_of(name, app) == want


@pytest.mark.parametrize(
    ("pattern", "host", "want"),
    [
        ("*", "a.b", True),
        ("a.b", "a.b", True),
        ("*.b", "a.b", True),
        ("*.b", "b", False),
        ("*.b", "xb", False),
        ("a.b", "*.b", False),
    ],
)
def test_a_wildcard_covers_whole_labels(pattern: str, host: str, want: bool) -> None:
    assert host_matches(pattern, host) is want


def test_short_names_are_of_the_namespace() -> None:
    assert full_host("web", "apps") == "web.apps.svc.cluster.local"
    assert full_host("web.apps", "x") == "web.apps"
    assert gateway_name("gw", "apps") == "apps/gw"
    assert gateway_name("./gw", "apps") == "apps/gw"
    assert gateway_name("other/gw", "apps") == "other/gw"
    assert gateway_name("mesh", "apps") == "mesh"


@pytest.mark.parametrize(
    ("scopes", "home", "namespace", "want"),
    [
        (("*",), "a", "b", True),
        ((".",), "a", "b", False),
        ((".",), "a", "a", True),
        (("b",), "a", "b", True),
        (("~",), "a", "a", False),
        ((), "a", "b", True),
    ],
)
def test_export_to(scopes: tuple[str, ...], home: str, namespace: str, want: bool) -> None:
    assert exported(scopes, home, namespace) is want


GATEWAY = Workload(
    uid="u",
    name="gw",
    namespace="istio-system",
    service_account="x",
    ip="",
    labels=(("istio", "gw"),),
    gateway=True,
)


def front(port: int, target: int, **labels: str) -> dict[str, object]:
    return {
        "metadata": {"name": "s", "namespace": "istio-system", "labels": labels},
        "spec": {"selector": {"istio": "gw"}, "ports": [{"port": port, "targetPort": target}]},
    }


def test_a_servers_port_is_translated_by_the_services_in_front() -> None:
    off = {"experimental.istio.io/disable-gateway-port-translation": "true"}
    assert target_ports(GATEWAY, 443, [front(443, 9443)]) == {9443}
    assert target_ports(GATEWAY, 80, [front(80, 8081, **off)]) == {8080}
    assert target_ports(GATEWAY, 8081, [front(80, 8081)]) == {8081}
    assert target_ports(GATEWAY, 443, []) == {8443}


def test_an_image_is_a_role_whatever_its_tag() -> None:
    assert image_role("hauberk.local/proxyv2:1.20") == "proxyv2"
    assert image_role("hauberk.local/queue@sha256:0") == "queue"
    assert image_role("example.com/queue") == ""
