"""What a DomainMapping's reference means: a host of the cluster and the Service behind it. Pure.

Source: knative/serving pkg/reconciler/domainmapping/reconciler.go, resolveRef; knative.dev/pkg
resolver/addressable_resolver.go, URIFromKReference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from hauberk.base.refs import Json, Ref
from hauberk.serving.config.domain import LOCAL_SUFFIX


@dataclass(frozen=True, slots=True)
class Target:
    """The name that the target is asked for, and its Service."""

    host: str
    service: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why there is no target."""

    why: str


Answer: TypeAlias = Target | Unresolved


def kind_named(reference: Json) -> str:
    """The kind that a reference names, as `Kind.group`."""
    version = str(reference.get("apiVersion") or "")
    group = reference.get("group") or (version.rpartition("/")[0] if "/" in version else "")
    return f"{reference.get('kind', '')}.{group}" if group else str(reference.get("kind", ""))


def resolve(mapping: Json, found: Json | None, *, plural: str) -> Answer:
    """Where the reference leads. `found` is the referenced object, `plural` its kind's in `kubectl`'s words.

    | reference                                  | answer                         |
    |--------------------------------------------|--------------------------------|
    | a Kubernetes Service                       | its own name                   |
    | an object with `status.address.url`        | that host, without a path      |
    | absent; no address; not a Service's host   | why not                        |
    | a host of another namespace                | why not                        |
    """
    home, ref = mapping["metadata"]["namespace"], mapping["spec"].get("ref") or {}
    name = str(ref.get("name", ""))
    if found is None:
        return Unresolved(f'failed to get object {home}/{name}: {plural} "{name}" not found')
    if kind_named(ref) == "Service":
        return Target(f"{name}.{home}.{LOCAL_SUFFIX}", name)
    url = str(((found.get("status") or {}).get("address") or {}).get("url") or "")
    if not url:
        version, kind = ref.get("apiVersion", ""), ref.get("kind", "")
        return Unresolved(f"address not set for Kind = {kind}, Namespace = {home}, Name = {name}, "
                          f"APIVersion = {version}, Group = , Address = ")  # fmt: skip
    return _of_url(url, home)


def _of_url(url: str, home: str) -> Answer:
    parts = urlsplit(url)
    if parts.path.rstrip("/"):
        return Unresolved(f'resolved URI "{url}" contains a path')
    host = parts.hostname or ""
    labels = host.split(".")
    if len(labels) < 3 or labels[2] != "svc":
        return Unresolved(
            f'resolved URI "{url}" must be of the form {{name}}.{{namespace}}.svc.{LOCAL_SUFFIX[4:]}'
        )
    if labels[1] != home:
        return Unresolved(f'resolved URI "{url}" must be in same namespace as DomainMapping')
    return Target(host, labels[0])


def ref_of_target(mapping: Json) -> Ref:
    """The object that the mapping names."""
    reference = mapping["spec"].get("ref") or {}
    return Ref(kind_named(reference), mapping["metadata"]["namespace"], str(reference.get("name", "")))
