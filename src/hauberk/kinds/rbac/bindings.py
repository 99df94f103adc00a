"""rbac.authorization.k8s.io/v1 RoleBinding and ClusterRoleBinding: who has which role."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, ObjectMeta, Part
from hauberk.kinds.rbac.rules import GROUP, RoleRef, Subject, check_binding, rbac_kind
from hauberk.kinds.rules import invalid


class RoleBinding(Part, frozen=True):
    """Gives a Role or ClusterRole to subjects within one namespace."""

    metadata: ObjectMeta = ObjectMeta()
    role_ref: RoleRef = RoleRef()
    subjects: tuple[Subject, ...] = ()


class ClusterRoleBinding(Part, frozen=True):
    """Gives a ClusterRole to subjects everywhere."""

    metadata: ObjectMeta = ObjectMeta()
    role_ref: RoleRef = RoleRef()
    subjects: tuple[Subject, ...] = ()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/rbac/v1/defaults.go."""
    if isinstance(raw.get("roleRef"), dict):
        raw["roleRef"] = {"apiGroup": GROUP, **raw["roleRef"]}
    for subject in raw.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", GROUP)
    return raw


def validate_binding(binding: RoleBinding) -> FieldErrors:
    """A role that exists as a kind, and complete subjects."""
    yield from check_binding(binding.role_ref, binding.subjects, ("ClusterRole", "Role"))


def validate_cluster_binding(binding: ClusterRoleBinding) -> FieldErrors:
    """A ClusterRole, and complete subjects."""
    yield from check_binding(binding.role_ref, binding.subjects, ("ClusterRole",))


def validate_update(old: Json, new: Json) -> FieldErrors:
    """What a binding gives is fixed."""
    if old.get("roleRef") != new.get("roleRef"):
        yield invalid("roleRef", new.get("roleRef"), "cannot change roleRef")


def _role(obj: Json, _now: float) -> str:
    ref = obj.get("roleRef") or {}
    return f"{ref.get('kind')}/{ref.get('name')}"


def _names(kind: str) -> Any:
    def shown(obj: Json, _now: float) -> str:
        found = [s for s in obj.get("subjects") or () if s.get("kind") == kind]
        return ", ".join(f"{s['namespace']}/{s['name']}" if "namespace" in s else s["name"] for s in found)

    return shown


_COLUMNS = (
    Column("Role", _role),
    Column("Age", ".metadata.creationTimestamp", "date"),
    Column("Users", _names("User"), wide=True),
    Column("Groups", _names("Group"), wide=True),
    Column("ServiceAccounts", _names("ServiceAccount"), wide=True),
)

ROLE_BINDING = rbac_kind(
    RoleBinding,
    validate_binding,
    namespaced=True,
    columns=_COLUMNS,
    default=default,
    validate_update=validate_update,
)
CLUSTER_ROLE_BINDING = rbac_kind(
    ClusterRoleBinding,
    validate_cluster_binding,
    namespaced=False,
    columns=_COLUMNS,
    default=default,
    validate_update=validate_update,
)
