"""Which Certificates a Route or a DomainMapping wants, and what becomes of its hosts. Pure.

Source: knative/serving pkg/reconciler/route/resources/certificate.go; route.go, externalDomainTLS and
clusterLocalDomainTLS;
pkg/apis/serving/v1/route_lifecycle.go, MarkCertificateReady, MarkCertificateNotReady, MarkHTTPDowngrade.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition, is_true
from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, controller_of
from hauberk.serving.config.network import Network
from hauberk.serving.names import L_ROUTE, NETWORKING, body

KIND = "CertificateProvisioned"
A_CLASS = "networking.knative.dev/certificate.class"
L_TYPE = "networking.knative.dev/certificate-type"
OFF = (
    "networking.knative.dev/disable-external-domain-tls",
    "networking.knative.dev/disableExternalDomainTLS",
    "networking.knative.dev/disable-auto-tls",
    "networking.knative.dev/disableAutoTLS",
)
NOT_ENABLED = Condition(KIND, "True", "TLSNotEnabled", "external-domain-tls is not enabled")


LOCAL_DOMAIN = "svc.cluster.local"
_ORDER = {"False": 0, "Unknown": 1, "True": 2}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the certificates of an object add: children, `spec.tls` of the Ingress, a condition."""

    certificates: tuple[Json, ...] = ()
    tls: tuple[Json, ...] = ()
    condition: Condition = NOT_ENABLED
    secure: frozenset[str] = frozenset()  # hosts whose URL is https because of a certificate
    plain: frozenset[str] = field(default_factory=frozenset)  # hosts that wait for theirs, meanwhile in http


def both(one: Outcome, other: Outcome) -> Outcome:
    """Two outcomes as one, with the worse of the conditions; one without certificates says nothing."""
    rows = [o.condition for o in (one, other) if o.condition is not NOT_ENABLED]
    return Outcome(
        (*one.certificates, *other.certificates),
        (*one.tls, *other.tls),
        min(rows, key=lambda row: _ORDER[row.status], default=NOT_ENABLED),
        one.secure | other.secure,
        one.plain | other.plain,
    )


def is_wanted(obj: Json, network: Network) -> bool:
    """Whether external-domain-tls is on, and not off for this object."""
    notes = annotations_of(obj)
    return network.external_tls and not any(notes.get(key, "").lower() == "true" for key in OFF)


def certificate_name(route: Json, tag: str) -> str:
    """`route-UID`, with the tag's checksum for a tag."""
    name = f"route-{route['metadata']['uid']}"
    return child_name(name, f"-{zlib.adler32(tag.encode())}") if tag else name


def local_certificate_name(route: Json, tag: str) -> str:
    """The same for the cluster-local names."""
    return f"{certificate_name(route, tag)}-local"


def make_certificate(owner: Json, name: str, host: str, domain: str, network: Network) -> Json:
    """The Certificate of one host."""
    meta, notes = owner["metadata"], annotations_of(owner)
    labels = {L_ROUTE: meta["name"]} if owner.get("kind") == "Route" else {}
    place = {
        "name": name,
        "namespace": meta["namespace"],
        "labels": {**labels, L_TYPE: "external-domain"},
        "annotations": {A_CLASS: notes.get(A_CLASS) or network.certificate_class},
    }
    spec = {"dnsNames": [host], "domain": domain, "secretName": name}
    return body(NETWORKING, "Certificate", place, spec=spec)


def make_local_certificate(route: Json, tag: str, names: Sequence[str], network: Network) -> Json:
    """The Certificate of the cluster-local names of a Route or one of its tags."""
    meta, name = route["metadata"], local_certificate_name(route, tag)
    place = {
        "name": name,
        "namespace": meta["namespace"],
        "labels": {L_ROUTE: meta["name"], L_TYPE: "cluster-local-domain"},
        "annotations": {A_CLASS: annotations_of(route).get(A_CLASS) or network.certificate_class},
    }
    spec = {"dnsNames": sorted(names), "domain": LOCAL_DOMAIN, "secretName": name}
    return body(NETWORKING, "Certificate", place, spec=spec)


def outcome(owner: Json, wanted: Sequence[Json], stored: Mapping[str, Json], network: Network) -> Outcome:
    """What the Certificates as they stand mean for their owner.

    | Certificate                | plain HTTP | CertificateProvisioned       | the host's URL |
    |----------------------------|------------|------------------------------|----------------|
    | somebody else's            | any        | False, NotOwned              | as without     |
    | Ready                      | any        | True                         | https          |
    | not Ready yet              | Enabled    | True, HTTPDowngrade          | http           |
    | not Ready yet              | Redirected | Unknown, CertificateNotReady | https          |
    """
    rows: list[Any] = []
    tls, secure, plain = [], set(), set()
    for certificate in wanted:
        name = certificate["metadata"]["name"]
        hosts = set(certificate["spec"]["dnsNames"])
        found = stored.get(name)
        if found is not None and (controller_of(found) or {}).get("uid") != owner["metadata"]["uid"]:
            text = f'There is an existing Certificate "{name}" that we do not own.'
            rows.append(Condition(KIND, "False", "NotOwned", text))
        elif found is not None and found.get("spec") == certificate["spec"] and is_true(found):
            secure |= hosts
            tls.append(
                {
                    "hosts": sorted(hosts),
                    "secretName": name,
                    "secretNamespace": owner["metadata"]["namespace"],
                }
            )
        elif network.http_option == "Enabled":
            plain |= hosts
            rows.append(
                Condition(KIND, "True", "HTTPDowngrade", f"Certificate {name} is not ready downgrade HTTP.")
            )
        else:
            secure |= hosts
            rows.append(
                Condition(KIND, "Unknown", "CertificateNotReady", f"Certificate {name} is not ready.")
            )
    worst = min(rows, key=lambda row: _ORDER[row.status], default=Condition(KIND, "True"))
    return Outcome(tuple(wanted), tuple(tls), worst, frozenset(secure), frozenset(plain))
