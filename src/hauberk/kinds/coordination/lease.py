"""coordination.k8s.io/v1 Lease: who leads, and until when."""

from __future__ import annotations

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check_name, dns_subdomain, invalid


class LeaseSpec(Part, frozen=True):
    """The holder and its times."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None
    strategy: str | None = None
    preferred_holder: str | None = None


class Lease(Part, frozen=True):
    """A lock with a time limit, by which processes agree upon a leader."""

    metadata: ObjectMeta = ObjectMeta()
    spec: LeaseSpec = LeaseSpec()


def validate(lease: Lease) -> FieldErrors:
    """Source: kubernetes pkg/apis/coordination/validation/validation.go, ValidateLeaseSpec."""
    yield from check_name(lease.metadata.name, dns_subdomain)
    duration, transitions = lease.spec.lease_duration_seconds, lease.spec.lease_transitions
    if duration is not None and duration <= 0:
        yield invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    if transitions is not None and transitions < 0:
        yield invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


KIND = Kind(
    group="coordination.k8s.io",
    name="Lease",
    plural="leases",
    singular="lease",
    model=Lease,
    validate=validate,
    columns=(
        Column("Holder", ".spec.holderIdentity"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    has_generation=False,
    builtin=True,
)
