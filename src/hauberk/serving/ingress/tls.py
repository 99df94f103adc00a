"""Certificates of an internal Ingress: a Gateway of its own for their hosts, and copies of the Secrets. Pure.

Istio reads a Gateway's certificates in the namespace of the gateway's pods, so Secrets of other namespaces
are copied there.
Source: knative-extensions/net-istio pkg/reconciler/ingress/resources/{gateway,secret}.go.
Deviation: wildcard certificates get a Gateway per Ingress as others do; upstream shares one per Secret.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.refs import Json, labels_of
from hauberk.serving.names import L_CERTIFICATE_UID, L_INGRESS, L_ORIGIN_NAME, L_ORIGIN_NAMESPACE, body

LOCAL = "ClusterLocal"
_SIDES = ("external", "local")
API = "networking.istio.io/v1beta1"
FILTERING = "ENABLE_SECRET_INFORMER_FILTERING_BY_CERT_UID"
_LABEL = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_LONGEST = 63
EXTERNAL_PORT, LOCAL_PORT = 443, 8444
"""The second is a port of the gateways' pods: their Service must lead its 443 there.

Source: net-istio pkg/reconciler/ingress/resources/gateway.go, ExternalGatewayHTTPSPort and
ClusterLocalGatewayHTTPSPort.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What an Ingress's certificates need: the gateways' Services and the Secrets, by namespace and name."""

    services: tuple[Json, ...] = ()  # of the gateways for external hosts
    inside: tuple[Json, ...] = ()  # of the gateways for cluster-local hosts
    secrets: Mapping[tuple[str, str], Json] = field(default_factory=dict)
    filtering: bool = False  # net-istio-controller sees labelled Secrets only


def rows_of(ingress: Json) -> Sequence[Json]:
    """`spec.tls`."""
    rows: Sequence[Json] = (ingress.get("spec") or {}).get("tls") or ()
    return rows


def rows_by_side(ingress: Json) -> tuple[Sequence[Json], Sequence[Json]]:
    """`spec.tls` for external hosts, and for cluster-local ones.

    Source: knative/networking pkg/apis/networking/v1alpha1/ingress_helpers.go, GetIngressTLSForVisibility.
    """
    rules = (ingress.get("spec") or {}).get("rules") or ()
    local = {h for rule in rules if rule.get("visibility") == LOCAL for h in rule.get("hosts") or ()}
    rows = rows_of(ingress)
    inside = [row for row in rows if set(row.get("hosts") or ()) & local]
    return [row for row in rows if row not in inside], inside


def _by_service(ingress: Json, tls: Tls) -> Iterator[tuple[Json, Sequence[Json], int]]:
    """Each gateway Service with the rows that it serves, and the port."""
    outside, inside = rows_by_side(ingress)
    yield from ((service, outside, EXTERNAL_PORT) for service in tls.services if outside)
    yield from ((service, inside, LOCAL_PORT) for service in tls.inside if inside)


def origin(ingress: Json, row: Json) -> tuple[str, str]:
    """Namespace and name of a row's Secret."""
    return row.get("secretNamespace") or ingress["metadata"]["namespace"], row.get("secretName") or ""


def problem(ingress: Json, tls: Tls) -> str:
    """Why the certificates cannot be served; empty when they can.

    Source: pkg/reconciler/ingress/resources/secret.go, GetSecrets; the reason for an unseen one is ours.
    """
    for rows, services, side in zip(rows_by_side(ingress), (tls.services, tls.inside), _SIDES, strict=True):
        if rows and not services:
            return f"the Service of the {side} gateway, which config-istio names, does not exist"
    for row in rows_of(ingress):
        place = origin(ingress, row)
        secret = tls.secrets.get(place)
        if secret is None:
            return f'secret "{place[1]}" not found in namespace {place[0]}'
        if tls.filtering and L_CERTIFICATE_UID not in labels_of(secret):
            return (
                f'secret "{place[1]}" not found: net-istio-controller sees only Secrets with the label '
                f"{L_CERTIFICATE_UID} ({FILTERING} is true), and this one has none"
            )
    return ""


def make_gateways(ingress: Json, tls: Tls) -> tuple[Json, ...]:
    """A Gateway for each gateway Service, with a server for each row of `spec.tls` that is its own."""
    return tuple(
        _gateway(ingress, service, rows, port, tls) for service, rows, port in _by_service(ingress, tls)
    )


def _gateway(ingress: Json, service: Json, rows: Sequence[Json], port: int, tls: Tls) -> Json:
    meta, place = ingress["metadata"], service["metadata"]["namespace"]
    servers = [
        {
            "hosts": list(row.get("hosts") or ()),
            "port": {"name": f"{_port_prefix(meta)}:{i}", "number": port, "protocol": "HTTPS"},
            "tls": {
                "mode": "SIMPLE",
                "credentialName": _credential(ingress, row, place, tls),
                "minProtocolVersion": "TLSV1_2",
            },
        }
        for i, row in enumerate(rows)
    ]
    return body(
        API,
        "Gateway",
        {
            "name": gateway_name(meta["name"], service),
            "namespace": meta["namespace"],
            "labels": {L_INGRESS: meta["name"]},
        },
        spec={"selector": dict((service.get("spec") or {}).get("selector") or {}), "servers": servers},
    )


def gateway_name(ingress: str, service: Json) -> str:
    """The Ingress's name (or its checksum) and the checksum of the gateway's Service."""
    key = f"{service['metadata']['namespace']}/{service['metadata']['name']}"
    ending = str(zlib.adler32(key.encode()))
    return f"{_label(ingress)[: _LONGEST - len(ending) - 1]}-{ending}"


def _label(text: str) -> str:
    fits = len(text) <= _LONGEST and _LABEL.fullmatch(text)
    return text if fits else str(zlib.adler32(text.encode()))


def _port_prefix(meta: Json) -> str:
    return f"{meta['namespace']}/{_label(meta['name'])}"


def _credential(ingress: Json, row: Json, place: str, tls: Tls) -> str:
    home, name = origin(ingress, row)
    return name if home == place else copy_name(ingress, tls.secrets[home, name])


def copy_name(ingress: Json, secret: Json) -> str:
    """The name of a Secret's copy beside the gateway."""
    return f"{ingress['metadata']['name']}-{secret['metadata']['uid']}"


def make_copies(ingress: Json, tls: Tls) -> Iterator[Json]:
    """Copies of the Secrets, in the namespaces of the gateways."""
    wanted = {
        (*origin(ingress, row), service["metadata"]["namespace"])
        for service, rows, _ in _by_service(ingress, tls)
        for row in rows
    }
    for home, name, place in sorted(wanted):
        if place != home:
            yield _copy(ingress, tls.secrets[home, name], place)


def _copy(ingress: Json, secret: Json, place: str) -> Json:
    meta = secret["metadata"]
    parts: dict[str, Any] = {"data": dict(secret.get("data") or {}), "type": secret.get("type")}
    labels = {L_ORIGIN_NAME: meta["name"], L_ORIGIN_NAMESPACE: meta["namespace"]}
    place_of = {"name": copy_name(ingress, secret), "namespace": place, "labels": labels}
    return body("v1", "Secret", place_of, **parts)
