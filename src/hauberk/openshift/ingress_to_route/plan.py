"""The Routes of a Kubernetes Ingress: one per host and path. Pure.

| rule                                               | Route                                            |
|----------------------------------------------------|--------------------------------------------------|
| without host, without Service, pathType Exact      | none; event IncompleteIngressToRouteRules        |
| `spec.tls` names the host and a Secret             | edge with its certificate, plain HTTP redirected |
| `spec.tls` has an empty row                        | edge with the router's certificate               |
| annotation `route.openshift.io/termination`        | edge, reencrypt or passthrough                   |
| class of another controller                        | none                                             |

Source: openshift/route-controller-manager pkg/route/ingress/ingress.go (sync, newRouteForIngress,
tlsConfigForIngress, targetPortForService).
Deviation: a Route's name follows from host and path; upstream's ends in five random letters.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.engine.plan import Note, Plan
from hauberk.kinds.networking.ingress_class import ROUTES

CLASS_NOTE = "kubernetes.io/ingress.class"
TERMINATION = "route.openshift.io/termination"
DESTINATION_CA = "route.openshift.io/destination-ca-certificate-secret"
_KEPT_BACK = ("kubectl.kubernetes.io/last-applied-configuration",)
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An Ingress, the class it names, and the Services, Secrets and Routes that it has."""

    ingress: Json
    ingress_class: Json | None
    services: Mapping[str, Json]
    secrets: Mapping[str, Json]
    routes: Sequence[Json]


class Incomplete(Exception):
    """A rule of which no Route can be made."""


def class_of(ingress: Json) -> str | None:
    """The class that an Ingress asks for; the annotation counts first."""
    noted = annotations_of(ingress).get(CLASS_NOTE)
    found: str | None = (ingress.get("spec") or {}).get("ingressClassName")
    return noted if noted is not None else found


def is_ours(world: World) -> bool:
    """Whether Routes carry out this Ingress."""
    if class_of(world.ingress) is None:
        return True
    return ((world.ingress_class or {}).get("spec") or {}).get("controller") == ROUTES


def plan(world: World, _now: float) -> Plan:
    """The Routes, and the router's name in the status."""
    if not is_ours(world):
        return Plan()
    routes, wrong = _routes(world)
    text = f"Incomplete ingress to route rules detected: {'; '.join(wrong)}"
    return Plan(
        children=tuple(routes),
        status={"observedGeneration": None, "loadBalancer": _addresses(world)},
        notes=(Note("IncompleteIngressToRouteRules", text),) if wrong else (),
    )


def _routes(world: World) -> tuple[list[Json], list[str]]:
    routes, wrong = [], []
    for i, rule in enumerate((world.ingress.get("spec") or {}).get("rules") or ()):
        if not rule.get("http"):
            wrong.append(f"Missing HTTP field in rule at index {i}")
            continue
        if not rule.get("host"):
            wrong.append(f"Missing host field in rule at index {i}")
            continue
        for j, path in enumerate(rule["http"].get("paths") or ()):
            try:
                routes.append(_route(world, rule["host"], path))
            except Incomplete as error:
                at = "in rule at index" if "field" in str(error) or "type" in str(error) else "at index"
                wrong.append(f"{error} {at} {i}, path index {j}")
    return routes, wrong


def _route(world: World, host: str, path: Json) -> Json:
    """One Route. Raises Incomplete."""
    service = (path.get("backend") or {}).get("service")
    if not service:
        raise Incomplete("Missing backend service field")
    if path.get("pathType") == "Exact":
        raise Incomplete("Unsupported exact path type")
    port, tls = _port(world, service), _tls(world, host)
    meta = world.ingress["metadata"]
    wildcard = host.startswith("*.")
    shown = f"wildcard.{host[2:]}" if wildcard else host
    spec: dict[str, Any] = {
        "host": shown,
        "to": {"kind": "Service", "name": service["name"], "weight": 100},
        "wildcardPolicy": "Subdomain" if wildcard else "None",
    }
    spec |= {"path": path["path"]} if path.get("path") else {}
    spec |= {"port": {"targetPort": port}} if port else {}
    spec |= {"tls": tls} if tls else {}
    made = {
        "name": f"{meta['name']}-{_ending(shown, path.get('path', ''))}",
        "namespace": meta["namespace"],
        "labels": dict(labels_of(world.ingress)),
        "annotations": {k: v for k, v in annotations_of(world.ingress).items() if k not in _KEPT_BACK},
    }
    return {"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": made, "spec": spec}


def _ending(host: str, path: str) -> str:
    digest = hashlib.sha256(f"{host} {path}".encode()).digest()
    return "".join(_LETTERS[b % len(_LETTERS)] for b in digest[:5])


def _port(world: World, backend: Json) -> str | None:
    """The port's name; None when the Service's only port has none. Raises Incomplete."""
    name, wanted = backend["name"], backend.get("port") or {}
    service = world.services.get(name)
    if service is None:
        raise Incomplete(f'Backend service "{name}" not found')
    for port in (service.get("spec") or {}).get("ports") or ():
        if wanted.get("name"):
            if port.get("name") == wanted["name"]:
                return str(port["name"])
        elif port.get("port") == wanted.get("number"):
            return port.get("name") or None
    raise Incomplete(f'No valid target port for backend service "{name}"')


def _tls(world: World, host: str) -> dict[str, Any] | None:
    """Where TLS ends; None: nowhere. Raises Incomplete."""
    asked = annotations_of(world.ingress).get(TERMINATION, "").lower()
    rows: Sequence[Json] = (world.ingress.get("spec") or {}).get("tls") or ()
    mine = next((r for r in rows if host in (r.get("hosts") or ())), None)
    empty = any(not r.get("hosts") and not r.get("secretName") for r in rows)
    if asked not in ("edge", "passthrough", "reencrypt") and mine is None and not empty:
        return None
    kind = asked if asked in ("edge", "passthrough", "reencrypt") else "edge"
    tls: dict[str, Any] = {"termination": kind, "insecureEdgeTerminationPolicy": "Redirect"}
    if kind == "passthrough":
        return tls
    if mine is not None and mine.get("secretName"):
        tls |= _certificate(world.secrets.get(mine["secretName"]), host)
    ca = annotations_of(world.ingress).get(DESTINATION_CA)
    if kind == "reencrypt" and ca:
        tls["destinationCACertificate"] = _value(world.secrets.get(ca) or {}, "tls.crt")
    return tls


def _certificate(secret: Json | None, host: str) -> dict[str, str]:
    certificate, key = (_value(secret or {}, name) for name in ("tls.crt", "tls.key"))
    if (
        secret is None
        or secret.get("type") not in ("kubernetes.io/tls", "Opaque")
        or not (certificate and key)
    ):
        raise Incomplete(f'Invalid or missing TLS secret for rule host "{host}"')
    return {"certificate": certificate, "key": key}


def _value(secret: Json, name: str) -> str:
    return base64.b64decode((secret.get("data") or {}).get(name) or "").decode(errors="replace")


def _addresses(world: World) -> dict[str, Any]:
    """The router's name, once it has admitted a Route."""
    names = {
        str(row["routerCanonicalHostname"])
        for route in world.routes
        for row in (route.get("status") or {}).get("ingress") or ()
        if row.get("routerCanonicalHostname")
        and any(c["type"] == "Admitted" and c["status"] == "True" for c in row.get("conditions") or ())
    }
    return {"ingress": [{"hostname": name} for name in sorted(names)]} if names else {}
