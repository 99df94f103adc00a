"""serving.knative.dev/v1beta1 DomainMapping: a custom host name for an app.

Source: knative/serving pkg/apis/serving/v1beta1/domainmapping_{types,defaults,validation}.go.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.names import is_dns_subdomain
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import CATEGORIES, READY, URL
from hauberk.kinds.serving.rules import missing

LOCAL_DOMAIN = "cluster.local"


class Reference(Part, frozen=True):
    """The app that the host leads to: anything with an address in its status, or a Kubernetes Service."""

    kind: str = ""
    name: str = ""
    namespace: Annotated[str, Meta(description="The mapping's own; no other is allowed.")] = ""
    api_version: str = ""
    group: str = ""


class SecretTls(Part, frozen=True):
    """A certificate that its owner brings."""

    secret_name: Annotated[str, Meta(description="A Secret of type kubernetes.io/tls, here.")] = ""


class DomainMappingSpec(Part, frozen=True):
    """Which app, and with which certificate."""

    ref: Reference = Reference()
    tls: SecretTls | None = None


class DomainMapping(Part, frozen=True):
    """DomainMapping leads a custom host name, which is its own name, to an app."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DomainMappingSpec = DomainMappingSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """The reference's namespace is the mapping's."""
    ref = raw.setdefault("spec", {}).setdefault("ref", {})
    namespace = raw.get("metadata", {}).get("namespace")
    if isinstance(ref, dict) and not ref.get("namespace") and namespace:
        ref["namespace"] = namespace
    return raw


def validate(mapping: DomainMapping) -> FieldErrors:
    """Rules that span fields."""
    yield from _check_name(mapping.metadata.name)
    ref = mapping.spec.ref
    for field in ("kind", "name"):
        if not getattr(ref, field):
            yield missing(f"spec.ref.{field}")
    if not ref.api_version and not ref.group:
        yield missing("spec.ref.apiVersion")
    home = mapping.metadata.namespace
    if ref.namespace and home and ref.namespace != home:
        details = f'parent namespace: "{home}" does not match ref: "{ref.namespace}"'
        yield FieldError(f"spec.ref.namespace\n{details}", "mismatched namespaces")


def _check_name(name: str) -> FieldErrors:
    if name == LOCAL_DOMAIN or name.endswith(f".{LOCAL_DOMAIN}"):
        text = f'invalid name "{name}": must not be a subdomain of cluster local domain "{LOCAL_DOMAIN}"'
        yield FieldError("metadata.name", text)
    elif name and ("." not in name or not is_dns_subdomain(name)):
        yield FieldError("metadata.name", f'invalid name "{name}": should be a fully qualified domain name')


KIND = Kind(
    group="serving.knative.dev",
    name="DomainMapping",
    plural="domainmappings",
    versions=("v1beta1", "v1alpha1"),
    short_names=("dm",),
    categories=CATEGORIES,
    model=DomainMapping,
    validate=validate,
    default=default,
    columns=(URL, *READY),
)
