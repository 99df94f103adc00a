"""ServiceMeshMemberRoll maistra.io/v1: the namespaces of one mesh.

Source: maistra/istio-operator pkg/apis/maistra/v1/servicemeshmemberroll_types.go,
  pkg/controller/servicemesh/webhooks/validation/memberroll.go.
Rules that need other objects (one roll per namespace) are in `hauberk.operators.admission`.
"""

from __future__ import annotations

import re
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.kinds import placeholders
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

ROLL_NAME = "default"
_MEMBER = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


class MemberRollSpec(Part, frozen=True):
    """Namespaces by name; `*` alone means all."""

    members: tuple[str, ...] = ()

    __inert__ = ("memberSelectors",)


class ServiceMeshMemberRoll(Part, frozen=True):
    """The namespaces that belong to the mesh of this namespace. It is named `default`."""

    metadata: ObjectMeta
    spec: MemberRollSpec = MemberRollSpec()
    status: dict[str, Any] | None = None


def validate(roll: ServiceMeshMemberRoll) -> FieldErrors:
    """Names that can never be namespaces, duplicates, a wildcard beside names."""
    members = roll.spec.members
    if "*" in members and len(members) > 1:
        text = "when .spec.members contains an asterisk ('*'), it must contain no other entries"
        yield FieldError("spec.members", text)
    for i, member in enumerate(members):
        if member != "*" and not _MEMBER.fullmatch(member) and not placeholders.placeholder_in(member):
            yield FieldError(f"spec.members[{i}]", _invalid(member))
    if len(set(members)) != len(members):
        text = "ServiceMeshMemberRoll may not contain duplicate namespaces in .spec.members"
        yield FieldError("spec.members", text, "FieldValueDuplicate")


def _invalid(member: str) -> str:
    return f".spec.members contains invalid value '{member}'. Must be a valid namespace name."


KIND = Kind(
    group="maistra.io",
    name="ServiceMeshMemberRoll",
    plural="servicemeshmemberrolls",
    model=ServiceMeshMemberRoll,
    validate=validate,
    strict=placeholders.left_in,  # a real cluster refuses them: no names of namespaces
    short_names=("smmr",),
    categories=("maistra-io",),
    columns=(
        Column(
            "Ready", ".status.annotations.configuredMemberCount", description="Configured members of all."
        ),
        Column("Status", '.status.conditions[?(@.type=="Ready")].reason', description="Roll's state."),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Members", ".status.members", wide=True, description="Namespaces of the roll."),
    ),
)
