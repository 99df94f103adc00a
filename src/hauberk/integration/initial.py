"""The text of a new `hauberk.yaml`: what was chosen, each key explained by the model's own words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.integration.model import API_VERSION, EVENTING, KIND, SERVING, Profile, Source
from hauberk.integration.schema import schema
from hauberk.integration.yamltext import emit

DOMAIN = "apps.openshift.example.com"
HEAD = """\
# yaml-language-server: $schema=hauberk.schema.json
# Everything one may write here: hauberk schema > hauberk.schema.json
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Answers to the questions of `hauberk init`; the defaults are the document's."""

    profile: Profile = "sm2"
    domain: str = DOMAIN
    certificate: Source = "generate"
    issuer: str = ""
    ca_certificate: str = ""
    ca_key: str = ""
    mesh_namespace: str = "istio-system"
    members: Sequence[str] = ("default",)
    eventing: bool = True
    kafka: Sequence[str] = ()
    partitions: int = 10
    replication: int = 3
    metrics: bool = False
    tenants: Sequence[tuple[str, Sequence[str]]] = ()


def initial(chosen: Chosen) -> str:
    """The file's text."""
    described = schema()
    return HEAD + emit(_value(chosen), lambda path, value: _comment(described, path, value))


def _value(chosen: Chosen) -> dict[str, Any]:
    system = [SERVING, EVENTING] if chosen.eventing else [SERVING]
    value: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "profile": chosen.profile,
        "domain": chosen.domain,
        "certificate": _certificate(chosen),
        "mesh": {"namespace": chosen.mesh_namespace},
        "members": list(dict.fromkeys([*system, *chosen.members])),
        "serving": {"enabled": True},
        "eventing": {"enabled": chosen.eventing},
        "kafka": {"enabled": bool(chosen.kafka)},
        "metrics": {"enabled": chosen.metrics},
    }
    if chosen.kafka:
        value["kafka"] |= {
            "bootstrapServers": list(chosen.kafka),
            "partitions": chosen.partitions,
            "replication": chosen.replication,
        }
    if chosen.tenants:
        value["tenants"] = [{"name": name, "namespaces": list(own)} for name, own in chosen.tenants]
    return value


def _certificate(chosen: Chosen) -> dict[str, Any]:
    value: dict[str, Any] = {"source": chosen.certificate}
    if chosen.certificate == "ca":
        value |= {"caCertificate": chosen.ca_certificate, "caKey": chosen.ca_key}
    if chosen.certificate == "cert-manager":
        value["issuer"] = {"name": chosen.issuer}
    return value


_UNTOLD = frozenset({"apiVersion", "kind", "certificate", "mesh", "serving", "eventing", "kafka", "metrics"})


def _comment(described: dict[str, Any], path: tuple[str, ...], value: Any) -> str:
    """The first sentence of the key's description; headings and lists' items need none."""
    del value
    if path[-1] == "*" or (len(path) == 1 and path[0] in _UNTOLD) or "*" in path:
        return ""
    node = described
    for key in path:
        node = node.get("properties", {}).get(key, {})
        if ref := node.get("$ref"):
            node = {**described["$defs"][ref.rpartition("/")[2]], "description": node.get("description", "")}
    told: str = node.get("description", "")
    return _CHOICES.get(path, told.partition(". ")[0].rstrip("."))


_CHOICES: dict[tuple[str, ...], str] = {
    ("profile",): "sm2, sm3 or kubernetes",
    ("certificate", "source"): "generate, secret, ca or cert-manager",
    ("members",): "Namespaces in the mesh: Knative's own, and those with services",
}
