from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref
from hauberk.openshift.serverless_ingress.make import is_external, make_routes, route_name
from hauberk.openshift.serverless_ingress.plan import World, plan

HOST = "hello-default.apps.openshift.example.com"
NS = "serving.knative.openshift.io/"


def ingress(
    annotations: dict[str, str] | None = None,
    gateway: str | None = "istio-ingressgateway.istio-system",
    **spec: Any,
) -> dict[str, Any]:
    rules = [
        {"hosts": ["hello.default.svc.cluster.local"], "visibility": "ClusterLocal"},
        {"hosts": [HOST], "visibility": "ExternalIP"},
    ]
    rows = [{"domainInternal": f"{gateway}.svc.cluster.local"}] if gateway else []
    return {
        "metadata": {
            "name": "hello",
            "namespace": "default",
            "uid": "u",
            "labels": {"serving.knative.dev/service": "hello"},
            "annotations": {
                "networking.knative.dev/ingress.class": "istio.ingress.networking.knative.dev",
                **(annotations or {}),
            },
        },
        "spec": {"rules": rules, **spec},
        "status": {"publicLoadBalancer": {"ingress": rows}},
    }


def backend(port: int) -> dict[str, Any]:
    return {"rules": [{"hosts": [HOST], "http": {"paths": [{"splits": [{"servicePort": port}]}]}}]}


@pytest.mark.parametrize(
    ("annotations", "spec", "termination", "insecure", "port"),
    [
        ({}, {}, "edge", "Allow", "http2"),
        ({}, {"httpOption": "Redirected"}, "edge", "Redirect", "http2"),
        ({NS + "enablePassthrough": "true"}, {}, "passthrough", "Redirect", "https"),
        ({NS + "enablePassthrough": "false"}, {}, "passthrough", "Redirect", "https"),
        ({}, {"tls": [{"hosts": [HOST], "secretName": "s"}]}, "passthrough", "Redirect", "https"),
        ({}, {"tls": [{"hosts": ["other.example.com"]}]}, "edge", "Allow", "http2"),
        ({}, backend(443), "passthrough", "Redirect", "https"),
        ({}, backend(80), "edge", "Allow", "http2"),
    ],
)
def test_where_tls_ends(
    annotations: dict[str, str], spec: dict[str, Any], termination: str, insecure: str, port: str
) -> None:
    (route,) = make_routes(ingress(annotations, **spec))
    assert route["spec"]["tls"] == {"termination": termination, "insecureEdgeTerminationPolicy": insecure}
    assert route["spec"]["port"] == {"targetPort": port}


def test_a_route_lives_beside_the_gateway_and_remembers_its_ingress() -> None:
    (route,) = make_routes(ingress())
    assert route["metadata"]["namespace"] == "istio-system"
    assert route["metadata"]["labels"] == {
        "serving.knative.dev/service": "hello",
        "networking.internal.knative.dev/ingress": "hello",
        NS + "ingressName": "hello",
        NS + "ingressNamespace": "default",
    }
    assert route["spec"]["to"] == {"kind": "Service", "name": "istio-ingressgateway", "weight": 100}


@pytest.mark.parametrize(
    ("annotations", "timeout"), [({}, "600s"), ({NS + "setRouteTimeout": "800"}, "800s")]
)
def test_the_router_does_not_cut_before_knative(annotations: dict[str, str], timeout: str) -> None:
    (route,) = make_routes(ingress(annotations))
    assert route["metadata"]["annotations"]["haproxy.router.openshift.io/timeout"] == timeout


@pytest.mark.parametrize(
    "none",
    [
        ingress({NS + "disableRoute": "true"}),
        ingress({NS + "disableRoute": "false"}),
        ingress(gateway=None),
        ingress(gateway="10.0.0.1"),
    ],
)
def test_no_route_without_a_gateway_or_when_disabled(none: dict[str, Any]) -> None:
    assert list(make_routes(none)) == []


@pytest.mark.parametrize(
    ("host", "external"),
    [
        ("hello.default.svc.cluster.local", False),
        ("hello.default.svc", False),
        ("hello.default", True),
        ("hello", False),
        (HOST, True),
    ],
)
def test_cluster_local_hosts_are_skipped(host: str, external: bool) -> None:
    assert is_external(host) is external


def test_names_are_upstreams_hex_of_hex() -> None:
    assert route_name("u", "a") == "route-u-636139373831"  # sha256("a") begins with ca9781


@pytest.mark.parametrize(
    ("ingress_class", "routes"),
    [
        ("istio.ingress.networking.knative.dev", 1),
        ("kourier.ingress.networking.knative.dev", 1),
        ("contour.ingress.networking.knative.dev", 0),
    ],
)
def test_only_our_ingress_classes_get_routes(ingress_class: str, routes: int) -> None:
    raw = ingress({"networking.knative.dev/ingress.class": ingress_class})
    assert len(plan(World(ingress=raw, routes=()), 0.0).others) == routes


def test_a_route_of_a_former_host_goes() -> None:
    stale = Ref("Route.route.openshift.io", "istio-system", "route-u-old")
    kept = Ref("Route.route.openshift.io", "istio-system", route_name("u", HOST))
    assert plan(World(ingress=ingress(), routes=(stale, kept)), 0.0).gone == (stale,)
