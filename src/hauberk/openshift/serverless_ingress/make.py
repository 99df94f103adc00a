"""The Routes of one internal Ingress. Pure.

Source: openshift-knative/serverless-operator serving/ingress/pkg/reconciler/ingress/resources/route.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.openshift.names import (
    DISABLE_ROUTE,
    INGRESS_NAME,
    INGRESS_NAMESPACE,
    INTERNAL_INGRESS_LABEL,
    PASSTHROUGH,
    SET_TIMEOUT,
    TIMEOUT,
)

DEFAULT_TIMEOUT_S = 600  # Knative's largest revision timeout: the Route shall not cut first
_COPIED_NOT = ("kubectl.kubernetes.io/last-applied-configuration",)


def make_routes(ingress: Json) -> Iterator[Json]:
    """One Route per external host; none before the Ingress says which gateway serves it."""
    gateway = gateway_of(ingress)
    if gateway is None or DISABLE_ROUTE in annotations_of(ingress):
        return
    for rule, host in external_hosts(ingress):
        yield _make_route(ingress, rule, host, gateway)


def external_hosts(ingress: Json) -> Iterator[tuple[Json, str]]:
    """The hosts that the world may ask for, each with its rule."""
    for rule in ingress["spec"].get("rules") or ():
        if rule.get("visibility") != "ClusterLocal":
            yield from ((rule, host) for host in rule.get("hosts") or () if is_external(host))


def is_external(host: str) -> bool:
    """Whether a host is none of the cluster's own: `hello.default.svc…` is, and a bare name."""
    parts = host.split(".")
    return len(parts) == 2 or (len(parts) > 2 and parts[2] != "svc")


def gateway_of(ingress: Json) -> tuple[str, str] | None:
    """Name and namespace of the gateway's Service, from `publicLoadBalancer.ingress[].domainInternal`."""
    balancer = (ingress.get("status") or {}).get("publicLoadBalancer") or {}
    found = None
    for row in balancer.get("ingress") or ():
        parts = str(row.get("domainInternal", "")).split(".")
        if len(parts) > 2 and parts[2] == "svc":
            found = (parts[0], parts[1])
    return found


def route_name(uid: str, host: str) -> str:
    """`route-UID-HASH`: upstream prints the first six hex digits of the hash in hex once more."""
    digits = hashlib.sha256(host.encode()).hexdigest()[:6]
    return f"route-{uid}-{digits.encode().hex()}"


def _make_route(ingress: Json, rule: Json, host: str, gateway: tuple[str, str]) -> Json:
    service, namespace = gateway
    meta = ingress["metadata"]
    passthrough = is_passthrough(ingress, rule)
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {
            "name": route_name(meta["uid"], host),
            "namespace": namespace,
            "labels": {
                **labels_of(ingress),
                INTERNAL_INGRESS_LABEL: meta["name"],
                INGRESS_NAME: meta["name"],
                INGRESS_NAMESPACE: meta["namespace"],
            },
            "annotations": _annotations(annotations_of(ingress)),
        },
        "spec": {
            "host": host,
            "port": {"targetPort": "https" if passthrough else "http2"},
            "to": {"kind": "Service", "name": service, "weight": 100},
            "tls": _tls(ingress, passthrough),
            "wildcardPolicy": "None",
        },
    }


def is_passthrough(ingress: Json, rule: Json) -> bool:
    """Whether TLS ends at the gateway.

    The annotation counts by its presence, whatever its value; so do `spec.tls` of the Ingress (a
    DomainMapping with a certificate of its own) and a backend on port 443.
    """
    if PASSTHROUGH in annotations_of(ingress):
        return True
    external = [row for row in ingress["spec"].get("tls") or () if _covers(row, rule)]
    return bool(external) or any(port == 443 for port in _backend_ports(rule))


def _covers(tls: Json, rule: Json) -> bool:
    hosts = tls.get("hosts")
    return not hosts or bool(set(hosts) & set(rule.get("hosts") or ()))


def _backend_ports(rule: Json) -> Iterator[Any]:
    for path in (rule.get("http") or {}).get("paths") or ():
        for split in path.get("splits") or ():
            yield split.get("servicePort")


def _annotations(copied: Mapping[str, str]) -> dict[str, str]:
    """The Ingress's own, and the router's timeout: the annotation, else 600 s."""
    kept = {k: v for k, v in copied.items() if k not in _COPIED_NOT}
    return {**kept, TIMEOUT: f"{copied.get(SET_TIMEOUT, DEFAULT_TIMEOUT_S)}s"}


def _tls(ingress: Json, passthrough: bool) -> dict[str, str]:
    """Where TLS ends and what plain HTTP gets.

    | passthrough | httpOption | termination | plain HTTP |
    |-------------|------------|-------------|------------|
    | no          | Enabled    | edge        | Allow      |
    | no          | Redirected | edge        | Redirect   |
    | yes         | any        | passthrough | Redirect   |
    """
    if passthrough:
        return {"termination": "passthrough", "insecureEdgeTerminationPolicy": "Redirect"}
    redirected = ingress["spec"].get("httpOption") == "Redirected"
    return {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect" if redirected else "Allow"}
