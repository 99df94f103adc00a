"""From discovery documents to rows."""

from __future__ import annotations

import pytest

from hauberk.kubeclient.discovery import UnknownKind, resources_of, versions_of

GROUPS = {
    "groups": [
        {
            "name": "networking.istio.io",
            "versions": [{"version": "v1alpha3"}, {"version": "v1"}],
            "preferredVersion": {"version": "v1"},
        }
    ]
}
GATEWAYS = {
    "resources": [
        {"name": "gateways", "kind": "Gateway", "namespaced": True, "verbs": ["get", "patch"]},
        {"name": "gateways/status", "kind": "Gateway", "namespaced": True, "verbs": ["get"]},
    ]
}
PODS = {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get"]}]}


def test_preferred_versions_come_first():
    assert versions_of({"versions": ["v1"]}, GROUPS) == (
        ("", "v1"),
        ("networking.istio.io", "v1"),
        ("networking.istio.io", "v1alpha3"),
    )


def test_a_kind_is_one_row_in_its_preferred_version():
    group = "networking.istio.io"
    rows = resources_of([(group, "v1", GATEWAYS), (group, "v1alpha3", GATEWAYS), ("", "v1", PODS)])
    assert sorted(rows) == ["Gateway.networking.istio.io", "Pod"]
    row = rows["Gateway.networking.istio.io"]
    assert (row.api_version, row.versions) == ("networking.istio.io/v1", ("v1", "v1alpha3"))
    assert row.subresources == {"status"}


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (("ns", "g"), "/apis/networking.istio.io/v1/namespaces/ns/gateways/g"),
        (("ns",), "/apis/networking.istio.io/v1/namespaces/ns/gateways"),
        ((), "/apis/networking.istio.io/v1/gateways"),
        (("ns", "g", "status"), "/apis/networking.istio.io/v1/namespaces/ns/gateways/g/status"),
    ],
)
def test_paths(place: tuple[str, ...], path: str):
    row = resources_of([("networking.istio.io", "v1", GATEWAYS)])["Gateway.networking.istio.io"]
    assert row.path(*place) == path


def test_who_brings_an_unknown_kind_is_said():
    assert "Service Mesh Operator 2.x" in str(UnknownKind("ServiceMeshControlPlane.maistra.io"))
    assert "api-resources" in UnknownKind("Thing.example.com").fix
