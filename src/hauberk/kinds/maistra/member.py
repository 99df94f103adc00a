"""ServiceMeshMember maistra.io/v1: a namespace asks to join a mesh.

Source: maistra/istio-operator pkg/apis/maistra/v1/servicemeshmember_types.go, webhooks/validation/member.go.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds import placeholders
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import required

MEMBER_NAME = "default"


class ControlPlaneRef(Part, frozen=True):
    """The mesh to join."""

    name: str = ""
    namespace: str = ""


class MemberSpec(Part, frozen=True):
    """Which mesh."""

    control_plane_ref: ControlPlaneRef = ControlPlaneRef()


class ServiceMeshMember(Part, frozen=True):
    """This namespace's membership in a mesh. It is named `default`."""

    metadata: ObjectMeta
    spec: MemberSpec = MemberSpec()
    status: dict[str, Any] | None = None


def validate(member: ServiceMeshMember) -> FieldErrors:
    """Both halves of the reference are required."""
    ref = member.spec.control_plane_ref
    if not ref.name:
        yield required("spec.controlPlaneRef.name")
    if not ref.namespace:
        yield required("spec.controlPlaneRef.namespace")


KIND = Kind(
    group="maistra.io",
    name="ServiceMeshMember",
    plural="servicemeshmembers",
    model=ServiceMeshMember,
    validate=validate,
    strict=placeholders.left_in,
    short_names=("smm",),
    categories=("maistra-io",),
    columns=(
        Column("Control Plane", ".status.annotations.controlPlaneRef", description="The mesh it joins."),
        Column(
            "Ready", '.status.conditions[?(@.type=="Ready")].status', description="Whether it has joined."
        ),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
