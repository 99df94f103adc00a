"""Ingress config.openshift.io/v1: the one object `cluster` that names the cluster's apps domain.

Source: openshift/api config/v1/types_ingress.go.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check, dns_subdomain, required

CLUSTER = "cluster"


class IngressConfigSpec(Part, frozen=True):
    """Where applications live."""

    domain: str = ""

    __inert__ = ("appsDomain", "componentRoutes", "requiredHSTSPolicies", "loadBalancer")


class IngressConfig(Part, frozen=True):
    """The cluster's ingress configuration. The only instance is named `cluster`."""

    metadata: ObjectMeta
    spec: IngressConfigSpec = IngressConfigSpec()
    status: dict[str, Any] | None = None


def validate(config: IngressConfig) -> FieldErrors:
    """The domain is a DNS name."""
    if not config.spec.domain:
        yield required("spec.domain")
    else:
        yield from check("spec.domain", config.spec.domain, dns_subdomain)


KIND = Kind(
    group="config.openshift.io",
    name="Ingress",
    plural="ingresses",
    model=IngressConfig,
    validate=validate,
    namespaced=False,
    columns=(Column("Domain", ".spec.domain"), Column("Age", ".metadata.creationTimestamp", "date")),
)
