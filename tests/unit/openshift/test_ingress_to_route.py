"""The Routes of a Kubernetes Ingress."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hauberk.kinds.networking.ingress import KIND
from hauberk.kinds.networking.ingress_class import ROUTES
from hauberk.openshift.ingress_to_route.plan import TERMINATION, World, plan

Raw = dict[str, Any]
SERVICE = {"spec": {"ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 8080}]}}
NAMELESS = {"spec": {"ports": [{"port": 80}]}}
SECRET = {
    "type": "kubernetes.io/tls",
    "data": {"tls.crt": base64.b64encode(b"CRT").decode(), "tls.key": base64.b64encode(b"KEY").decode()},
}


def path(at: str = "/", kind: str = "Prefix", **port: Any) -> Raw:
    backend = {"service": {"name": "web", "port": port or {"number": 80}}}
    return {"path": at, "pathType": kind, "backend": backend}


def ingress(*paths: Raw, host: str = "a.example.com", notes: Raw | None = None, **spec: Any) -> Raw:
    meta = {"name": "in", "namespace": "a", "uid": "u", "labels": {"l": "1"}, "annotations": notes or {}}
    rules = [{"host": host, "http": {"paths": list(paths or (path(),))}}]
    body = {"rules": rules, **spec}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": body}


def planned(
    raw: Raw, *, service: Any = SERVICE, secret: Any = SECRET, cls: Any = None, routes: Any = ()
) -> Any:
    services = {"web": service} if service else {}
    secrets = {"cert": secret} if secret else {}
    return plan(World(ingress=raw, ingress_class=cls, services=services, secrets=secrets, routes=routes), 0)


def test_one_route_per_host_and_path_with_the_ports_name() -> None:
    got = planned(ingress(path("/"), path("/admin", name="admin")))
    specs = [(r["spec"]["host"], r["spec"]["path"], r["spec"]["port"]["targetPort"]) for r in got.children]
    assert specs == [("a.example.com", "/", "http"), ("a.example.com", "/admin", "admin")]
    assert len({r["metadata"]["name"] for r in got.children}) == 2
    assert all(r["metadata"]["labels"] == {"l": "1"} for r in got.children)


def test_a_port_without_a_name_needs_none() -> None:
    (route,) = planned(ingress(), service=NAMELESS).children
    assert "port" not in route["spec"]


@pytest.mark.parametrize(
    ("situation", "notes", "tls", "want"),
    [
        ("no TLS", {}, [], None),
        ("a certificate", {}, [{"hosts": ["a.example.com"], "secretName": "cert"}], ("edge", "CRT")),
        ("another host's", {}, [{"hosts": ["b.example.com"], "secretName": "cert"}], None),
        ("the router's certificate", {}, [{}], ("edge", None)),
        ("passthrough", {TERMINATION: "passthrough"}, [], ("passthrough", None)),
        ("reencrypt", {TERMINATION: "reencrypt"}, [], ("reencrypt", None)),
    ],
)
def test_tls(situation: str, notes: Raw, tls: list[Raw], want: Any) -> None:
    (route,) = planned(ingress(notes=notes, tls=tls)).children
    found = route["spec"].get("tls")
    assert (found and (found["termination"], found.get("certificate"))) == want, situation
    assert found is None or found["insecureEdgeTerminationPolicy"] == "Redirect"


@pytest.mark.parametrize(
    ("situation", "raw", "facts", "text"),
    [
        ("no host", ingress(host=""), {}, "Missing host field in rule at index 0"),
        (
            "exact",
            ingress(path(kind="Exact")),
            {},
            "Unsupported exact path type in rule at index 0, path index 0",
        ),
        (
            "no Service",
            ingress(),
            {"service": None},
            'Backend service "web" not found at index 0, path index 0',
        ),
        (
            "no such port",
            ingress(path(number=81)),
            {},
            'No valid target port for backend service "web" at index 0, path index 0',
        ),
        (
            "no Secret",
            ingress(tls=[{"hosts": ["a.example.com"], "secretName": "cert"}]),
            {"secret": None},
            'Invalid or missing TLS secret for rule host "a.example.com" at index 0, path index 0',
        ),
    ],
)
def test_a_rule_of_which_no_route_can_be_made_says_why(
    situation: str, raw: Raw, facts: Raw, text: str
) -> None:
    got = planned(raw, **facts)
    assert got.children == (), situation
    assert [n.message for n in got.notes] == [f"Incomplete ingress to route rules detected: {text}"]


@pytest.mark.parametrize(
    ("named", "cls", "made"),
    [
        (None, None, 1),
        ("openshift-default", {"spec": {"controller": ROUTES}}, 1),
        ("nginx", {"spec": {"controller": "k8s.io/nginx"}}, 0),
        ("gone", None, 0),
    ],
)
def test_classes(named: str | None, cls: Any, made: int) -> None:
    assert len(planned(ingress(ingressClassName=named), cls=cls).children) == made


def test_the_routers_name_is_told_once_it_admitted_a_route() -> None:
    row = {"routerCanonicalHostname": "router.apps", "conditions": [{"type": "Admitted", "status": "True"}]}
    assert planned(ingress()).status["loadBalancer"] == {}
    told = planned(ingress(), routes=[{"status": {"ingress": [row]}}]).status
    assert told["loadBalancer"] == {"ingress": [{"hostname": "router.apps"}]}


def test_what_does_not_act_says_so() -> None:
    raw = ingress(
        path(kind="Exact"), host="", defaultBackend={"service": {"name": "web", "port": {"number": 1}}}
    )
    assert len(list(KIND.advice(raw))) == 3
    assert list(KIND.advice(ingress())) == []
