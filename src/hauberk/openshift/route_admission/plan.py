"""From one Route to the router's verdict in its status. Pure.

Source: openshift/router pkg/router/controller/{unique_host,host_admitter,extended_validator,status}.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from hauberk.base.conditions import Condition, with_times
from hauberk.base.refs import Json
from hauberk.base.times import rfc3339
from hauberk.engine.plan import Plan
from hauberk.openshift.names import ROUTER, ROUTER_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Route may depend on."""

    route: Json
    rivals: tuple[Json, ...]  # other Routes with the same host
    domain: str  # the cluster's apps domain


def plan(world: World, now: float) -> Plan:
    """Say whether the router serves this Route."""
    spec = world.route["spec"]
    verdict = judge(world.route, world.rivals)
    before = ((world.route.get("status") or {}).get("ingress") or [{}])[0]
    row: dict[str, Any] = {
        "host": spec.get("host", ""),
        "routerName": ROUTER_NAME,
        "conditions": with_times([verdict.as_json()], before.get("conditions") or (), rfc3339(now)),
        "wildcardPolicy": spec.get("wildcardPolicy") or "None",
    }
    if world.domain:
        row["routerCanonicalHostname"] = f"{ROUTER}.{world.domain}"
    return Plan(status={"ingress": [row], "observedGeneration": None})


def judge(route: Json, rivals: tuple[Json, ...]) -> Condition:
    """Admit a Route, or say why not.

    | Route                                                 | Admitted                        |
    |-------------------------------------------------------|---------------------------------|
    | wildcardPolicy Subdomain                              | False, RouteNotAdmitted         |
    | certificate and key do not belong together or parse   | False, ExtendedValidationFailed |
    | an older Route of another namespace has the host      | False, HostAlreadyClaimed       |
    | an older Route has the host and the path              | False, HostAlreadyClaimed       |
    | otherwise                                             | True                            |
    """
    spec = route["spec"]
    if spec.get("wildcardPolicy") == "Subdomain":
        return Condition("Admitted", "False", "RouteNotAdmitted", "wildcard routes are not allowed")
    if problem := certificate_problem(spec.get("tls") or {}):
        return Condition("Admitted", "False", "ExtendedValidationFailed", problem)
    mine = route["metadata"]
    for rival in sorted(rivals, key=_age):
        theirs = rival["metadata"]
        elsewhere = theirs["namespace"] != mine["namespace"]
        same_path = (rival["spec"].get("path") or "") == (spec.get("path") or "")
        if _age(rival) < _age(route) and (elsewhere or same_path):
            text = (
                f"route {theirs['name']} already exposes {spec.get('host')} and is older"
                if not elsewhere
                else f"a route in another namespace holds {spec.get('host')} and is older than {mine['name']}"
            )
            return Condition("Admitted", "False", "HostAlreadyClaimed", text)
    return Condition("Admitted", "True")


def _age(route: Json) -> tuple[str, str]:
    meta = route["metadata"]
    return str(meta.get("creationTimestamp", "")), str(meta.get("uid", ""))


def certificate_problem(tls: Mapping[str, Any]) -> str:
    """Why the Route's own certificate cannot be served, or an empty text."""
    certificate, key = tls.get("certificate"), tls.get("key")
    if not certificate and not key:
        return ""
    if not certificate or not key:
        return f"spec.tls.{'key' if certificate else 'certificate'}: certificate and key must be set together"
    try:
        public = x509.load_pem_x509_certificate(str(certificate).encode()).public_key()
    except ValueError:
        return "spec.tls.certificate: not a PEM certificate"
    try:
        private = serialization.load_pem_private_key(str(key).encode(), password=None)
    except (ValueError, TypeError):
        return "spec.tls.key: not a PEM private key"
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != private.public_key().public_bytes(*form):
        return "spec.tls.key: the key does not belong to the certificate"
    return ""
