"""networking.internal.knative.dev/v1alpha1 Certificate: a certificate wanted for a Route's hosts."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import INTERNAL, READY


class CertificateSpec(Part, frozen=True):
    """The hosts, and the Secret to fill. Nothing issues these certificates yet."""

    __inert__ = ("dnsNames", "secretName", "domain")


class Certificate(Part, frozen=True):
    """Certificate asks for a certificate of a Route's hosts."""

    metadata: ObjectMeta = ObjectMeta()
    spec: CertificateSpec = CertificateSpec()
    status: dict[str, Any] | None = None


KIND = Kind(
    group="networking.internal.knative.dev",
    name="Certificate",
    plural="certificates",
    versions=("v1alpha1",),
    short_names=("kcert",),
    categories=INTERNAL,
    model=Certificate,
    columns=READY,
)
