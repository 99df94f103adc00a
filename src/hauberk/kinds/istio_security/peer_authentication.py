"""PeerAuthentication security.istio.io: whether workloads insist on mTLS.

Source: istio/istio pkg/config/validation/validation.go, ValidatePeerAuthentication.
"""

from __future__ import annotations

from msgspec import field

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.kinds.istio_networking.common import check_selector
from hauberk.kinds.istio_networking.destination_rule import WorkloadSelector
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

CATEGORIES = ("istio-io", "security-istio-io")
MODES = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")


class MutualTLS(Part, frozen=True):
    """One of UNSET (inherit), DISABLE, PERMISSIVE, STRICT."""

    mode: str = "UNSET"


class PeerAuthenticationSpec(Part, frozen=True):
    """Modes, and the pods they are for."""

    selector: WorkloadSelector | None = None
    mtls: MutualTLS | None = None
    port_level_mtls: dict[str, MutualTLS] | None = None


class PeerAuthentication(Part, frozen=True):
    """Whether workloads insist on mTLS: for the mesh, a namespace, a workload, a port."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PeerAuthenticationSpec = field(default_factory=PeerAuthenticationSpec)
    status: dict[str, object] | None = None


def validate(policy: PeerAuthentication) -> FieldErrors:
    """Rules of Istio's webhook."""
    spec = policy.spec
    labels = spec.selector.match_labels if spec.selector else None
    yield from check_selector("spec.selector.matchLabels", labels)
    if spec.mtls is not None and spec.mtls.mode not in MODES:
        yield FieldError("spec.mtls.mode", f"unsupported mode: {spec.mtls.mode}", "FieldValueNotSupported")
    if spec.port_level_mtls and not labels:
        yield FieldError("spec.portLevelMtls", "port level mtls is only supported with a workload selector")
    for port, mtls in (spec.port_level_mtls or {}).items():
        if not port.isdigit() or not 1 <= int(port) <= 65535:
            yield FieldError(f"spec.portLevelMtls[{port}]", f"port must be in range 1..65535: {port}")
        if mtls.mode not in MODES:
            path = f"spec.portLevelMtls[{port}].mode"
            yield FieldError(path, f"unsupported mode: {mtls.mode}", "FieldValueNotSupported")


KIND = Kind(
    group="security.istio.io",
    name="PeerAuthentication",
    plural="peerauthentications",
    versions=("v1", "v1beta1"),
    short_names=("pa",),
    categories=CATEGORIES,
    model=PeerAuthentication,
    validate=validate,
    columns=(
        Column("Mode", ".spec.mtls.mode", description="Defines the mTLS mode used for peer authentication."),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
