"""networking.internal.knative.dev/v1alpha1 ClusterDomainClaim: which namespace may map a domain."""

from __future__ import annotations

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import INTERNAL
from hauberk.kinds.serving.rules import missing


class ClusterDomainClaimSpec(Part, frozen=True):
    """The namespace. It takes effect with DomainMappings."""

    namespace: str = ""


class ClusterDomainClaim(Part, frozen=True):
    """ClusterDomainClaim lets one namespace use the domain that is the claim's name."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ClusterDomainClaimSpec = ClusterDomainClaimSpec()


def validate(claim: ClusterDomainClaim) -> FieldErrors:
    """Rules that span fields."""
    if not claim.spec.namespace:
        yield missing("spec.namespace")


KIND = Kind(
    group="networking.internal.knative.dev",
    name="ClusterDomainClaim",
    plural="clusterdomainclaims",
    versions=("v1alpha1",),
    short_names=("cdc",),
    categories=INTERNAL,
    namespaced=False,
    model=ClusterDomainClaim,
    validate=validate,
)
