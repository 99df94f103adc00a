"""networking.internal.knative.dev/v1alpha1 Certificate: a certificate wanted for a Route's hosts."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import INTERNAL, READY
from hauberk.kinds.serving.rules import missing


class CertificateSpec(Part, frozen=True):
    """The hosts, and the Secret to fill."""

    dns_names: Annotated[tuple[str, ...], Meta(description="Hosts that the certificate is for.")] = ()
    secret_name: Annotated[str, Meta(description="The Secret, here, that holds it.")] = ""
    domain: Annotated[str, Meta(description="The top domain of the hosts.")] = ""


class Certificate(Part, frozen=True):
    """Certificate asks for a certificate of a Route's hosts; the cluster's own authority issues it."""

    metadata: ObjectMeta = ObjectMeta()
    spec: CertificateSpec = CertificateSpec()
    status: dict[str, Any] | None = None


def validate(certificate: Certificate) -> FieldErrors:
    """Rules that span fields."""
    if not certificate.spec.dns_names:
        yield missing("spec.dnsNames")
    if not certificate.spec.secret_name:
        yield missing("spec.secretName")


KIND = Kind(
    group="networking.internal.knative.dev",
    name="Certificate",
    plural="certificates",
    versions=("v1alpha1",),
    short_names=("kcert",),
    categories=INTERNAL,
    model=Certificate,
    validate=validate,
    columns=READY,
)
