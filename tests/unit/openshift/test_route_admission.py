from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hauberk.openshift.admission import admit_annotations, admit_route
from hauberk.openshift.bootstrap import bootstrap_objects
from hauberk.openshift.route_admission.plan import World, judge, plan
from hauberk.ports_admission import Request
from hauberk.testing.memory_api import MemoryApi


def route(name: str, created: int, namespace: str = "a", **spec: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": name,
        "creationTimestamp": f"2026-01-01T00:00:{created:02d}Z",
    }
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": metadata,
        "spec": {"host": "h.example.com", "to": {"name": "s"}, **spec},
    }


@cache
def pair() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "h")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def other_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.mark.parametrize(
    ("mine", "rivals", "reason"),
    [
        (route("m", 2), (), ""),
        (route("m", 2), (route("older", 1),), "HostAlreadyClaimed"),
        (route("m", 1), (route("newer", 2),), ""),
        (route("m", 2, path="/a"), (route("older", 1, path="/b"),), ""),
        (route("m", 2, path="/a"), (route("older", 1, "b", path="/b"),), "HostAlreadyClaimed"),
        (route("m", 2, wildcardPolicy="Subdomain"), (), "RouteNotAdmitted"),
        (route("m", 2, tls={"termination": "edge", "certificate": "x"}), (), "ExtendedValidationFailed"),
        (
            route("m", 2, tls={"termination": "edge", "certificate": "x", "key": "y"}),
            (),
            "ExtendedValidationFailed",
        ),
    ],
)
def test_the_router_admits_or_says_why_not(
    mine: dict[str, Any], rivals: tuple[dict[str, Any], ...], reason: str
) -> None:
    verdict = judge(mine, rivals)
    assert (verdict.status, verdict.reason) == ("False" if reason else "True", reason)


def test_a_key_must_belong_to_its_certificate() -> None:
    certificate, key = pair()
    good = route("m", 1, tls={"termination": "edge", "certificate": certificate, "key": key})
    assert judge(good, ()).status == "True"
    bad = route("m", 1, tls={"termination": "edge", "certificate": certificate, "key": other_key()})
    assert "does not belong" in judge(bad, ()).message


def test_the_verdict_keeps_its_time_until_it_turns() -> None:
    raw = route("m", 2)
    raw["status"] = plan(World(route=raw, rivals=(), domain="d"), 100.0).status
    same = plan(World(route=raw, rivals=(), domain="d"), 200.0).status
    turned = plan(World(route=raw, rivals=(route("o", 1),), domain="d"), 300.0).status
    assert same == raw["status"]
    assert turned is not None
    assert turned["ingress"][0]["conditions"][0]["lastTransitionTime"] == "1970-01-01T00:05:00Z"


def request(kind: str, obj: dict[str, Any], *stored: Any, **options: Any) -> Request:
    api = MemoryApi()
    api.seed(*stored)
    return Request(
        kind=kind,
        operation="CREATE",
        obj=obj,
        old=None,
        namespace="shop",
        subresource="",
        user="u",
        snapshot=api.snapshot(),
        options=options,
    )


@pytest.mark.parametrize("stored", [True, False])
def test_a_route_without_a_host_gets_one_of_the_clusters_domain(stored: bool) -> None:
    objs = bootstrap_objects("apps.example.com") if stored else ()
    raw = route("web", 1)
    del raw["spec"]["host"]
    out = admit_route(request("Route.route.openshift.io", raw, *objs, domain="apps.example.com")).obj
    assert out is not None
    assert out["spec"]["host"] == "web-shop.apps.example.com"
    assert out["metadata"]["annotations"] == {"openshift.io/host.generated": "true"}


@pytest.mark.parametrize(("value", "warnings"), [("true", 0), ("false", 1), ("", 1)])
@pytest.mark.parametrize("name", ["enablePassthrough", "disableRoute"])
def test_annotations_that_count_by_presence_warn_when_their_value_says_otherwise(
    name: str, value: str, warnings: int
) -> None:
    raw = {"metadata": {"name": "s", "annotations": {f"serving.knative.openshift.io/{name}": value}}}
    assert len(admit_annotations(request("Service.serving.knative.dev", raw)).warnings) == warnings


def test_the_router_and_the_apps_domain_are_there_from_the_start() -> None:
    kinds = [o["kind"] for o in bootstrap_objects("apps.example.com")]
    assert kinds == ["Namespace", "Ingress", "IngressClass", "ServiceAccount", "Deployment", "Service"]
