"""What a destination means: the one place that turns references and URIs into addresses. Pure.

Source: knative.dev/pkg resolver/addressable_resolver.go (AddressableFromDestinationV1, selectAddress);
knative/eventing pkg/kref/kref.go and config-kreference-mapping.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

from hauberk.base.refs import Json, Ref
from hauberk.events.contract import Target
from hauberk.kinds import BY_ID
from hauberk.kinds.eventing.parts import kind_named
from hauberk.ports import Snapshot

CLUSTER_DOMAIN = "cluster.local"
SYSTEM = "knative-eventing"
MAPPING = "config-kreference-mapping"


@dataclass(frozen=True, slots=True)
class Address:
    """Where events for a destination go."""

    url: str
    ca: str = ""  # PEM
    audience: str = ""

    @property
    def target(self) -> Target:
        """As a contract says it."""
        return Target(url=self.url, ca=self.ca, audience=self.audience)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why there is no address, in upstream's words."""

    why: str


Answer: TypeAlias = Address | Unresolved


def service_host(name: str, namespace: str) -> str:
    """The name of a Kubernetes Service in the cluster."""
    return f"{name}.{namespace}.svc.{CLUSTER_DOMAIN}"


def ref_of_reference(reference: Json, home: str) -> Ref:
    """The object that a reference names, seen from the namespace `home`."""
    kind = kind_named(reference)
    known = BY_ID.get(kind)
    namespace = str(reference.get("namespace") or home)
    return Ref(kind, namespace if known is None or known.namespaced else "", str(reference.get("name", "")))


def refs_of_destinations(home: str, *destinations: Json | None) -> list[Ref]:
    """The objects that destinations name: what wakes the object that has them."""
    return [ref_of_reference(d["ref"], home) for d in destinations if d and d.get("ref")]


def resolve(destination: Json, home: str, snapshot: Snapshot) -> Answer:
    """The address of a destination of an object in the namespace `home`.

    | ref    | uri      | answer                                         |
    |--------|----------|------------------------------------------------|
    | set    | -        | the object's address                           |
    | set    | relative | the URI resolved against the object's address  |
    | set    | absolute | unresolved                                     |
    | -      | absolute | the URI                                        |
    | -      | relative | unresolved                                     |
    | -      | -        | unresolved                                     |
    """
    ref, uri = destination.get("ref"), destination.get("uri")
    if ref:
        found = _of_reference(destination, ref, home, snapshot)
        if isinstance(found, Unresolved) or not uri:
            return found
        if urlsplit(uri).scheme:
            return Unresolved("absolute URI is not allowed when Ref or [apiVersion, kind, name] exists")
        return replace(found, url=urljoin(found.url, uri))
    if uri:
        parts = urlsplit(uri)
        if not parts.scheme or not parts.netloc:
            return Unresolved(f'URI is not absolute (both scheme and host should be non-empty): "{uri}"')
        return Address(uri, destination.get("CACerts") or "", destination.get("audience") or "")
    return Unresolved("destination missing Ref and URI, expected at least one")


def _of_reference(destination: Json, reference: Json, home: str, snapshot: Snapshot) -> Answer:
    ca, audience = destination.get("CACerts") or "", destination.get("audience") or ""
    wanted = ref_of_reference(reference, home)
    mapped = _mapped(wanted, snapshot)
    if mapped:
        return Address(mapped, ca, audience)
    found = snapshot.get(wanted)
    if found is None:
        kind = BY_ID.get(wanted.kind)
        plural = f"{kind.plural}.{kind.group}".rstrip(".") if kind else wanted.kind.lower()
        place = f"{wanted.namespace}/{wanted.name}"
        return Unresolved(f'failed to get object {place}: {plural} "{wanted.name}" not found')
    if wanted.kind == "Service":
        scheme = "https" if ca else "http"
        return Address(f"{scheme}://{service_host(wanted.name, wanted.namespace)}", ca, audience)
    row = _chosen(found, str(reference.get("address") or ""), reference, wanted)
    if isinstance(row, Unresolved):
        return row
    url = str(row.get("url") or "")
    if not url:
        return Unresolved(f"URL missing in address of {_shown(reference, wanted)}")
    if not urlsplit(url).netloc:
        return Unresolved(f"hostname missing in address of {_shown(reference, wanted)}")
    return Address(url, ca or row.get("CACerts") or "", audience or row.get("audience") or "")


def _chosen(found: Json, name: str, reference: Json, wanted: Ref) -> dict[str, Any] | Unresolved:
    """Which address: the one of that name, else the first of several, else the only one."""
    status = found.get("status") or {}
    several, one = status.get("addresses") or (), status.get("address")
    if not several and not one:
        return Unresolved(f"address not set for {_shown(reference, wanted)}")
    if name:
        named = next((a for a in several if a.get("name") == name), None)
        missing = f'address with name "{name}" not found for {_shown(reference, wanted)}'
        return dict(named) if named is not None else Unresolved(missing)
    return dict(several[0]) if several else dict(one or {})


def _shown(reference: Json, wanted: Ref) -> str:
    """A reference as upstream's errors print it."""
    kind, version = reference.get("kind", ""), reference.get("apiVersion", "")
    group, address = reference.get("group", ""), reference.get("address") or ""
    parts = f"Kind:{kind},Namespace:{wanted.namespace},Name:{wanted.name},APIVersion:{version}"
    return f"&KReference{{{parts},Group:{group},Address:{address or 'nil'},}}"


def _mapped(wanted: Ref, snapshot: Snapshot) -> str:
    """The URL that config-kreference-mapping gives this kind; empty when it says nothing of it, or is off.

    Its keys are `kind.version.group`, its values templates over `Name`, `Namespace` and
    `SystemNamespace`.
    """
    features = (snapshot.get(Ref("ConfigMap", SYSTEM, "config-features")) or {}).get("data") or {}
    if str(features.get("kreference-mapping", "")).lower() != "enabled":
        return ""
    config = snapshot.get(Ref("ConfigMap", SYSTEM, MAPPING))
    for key, template in ((config or {}).get("data") or {}).items():
        kind, _, rest = key.partition(".")
        group = rest.partition(".")[2]
        if f"{kind}.{group}".rstrip(".").lower() == wanted.kind.lower():
            words = {"Name": wanted.name, "Namespace": wanted.namespace, "SystemNamespace": SYSTEM}
            return _filled(str(template), words)
    return ""


def _filled(template: str, words: dict[str, str]) -> str:
    out = template
    for name, value in words.items():
        for form in (f"{{{{ .{name} }}}}", f"{{{{.{name}}}}}"):
            out = out.replace(form, value)
    return out.strip()
