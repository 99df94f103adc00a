"""rbac.authorization.k8s.io/v1 Role and ClusterRole: sets of permissions."""

from __future__ import annotations

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rbac.rules import GROUP, PolicyRule, check_rules, not_enforced

_CREATED = (Column("Created At", ".metadata.creationTimestamp"),)


class Role(Part, frozen=True):
    """Permissions within one namespace."""

    metadata: ObjectMeta = ObjectMeta()
    rules: tuple[PolicyRule, ...] = ()


class AggregationRule(Part, frozen=True):
    """Which other ClusterRoles this one is made of."""

    __inert__ = ("clusterRoleSelectors",)


class ClusterRole(Part, frozen=True):
    """Permissions in every namespace and upon cluster-wide resources."""

    metadata: ObjectMeta = ObjectMeta()
    rules: tuple[PolicyRule, ...] = ()
    aggregation_rule: AggregationRule | None = None


def validate_role(role: Role) -> FieldErrors:
    """Every rule names verbs, groups and resources."""
    yield from check_rules(role.rules, cluster=False)


def validate_cluster_role(role: ClusterRole) -> FieldErrors:
    """Every rule names verbs and either paths, or groups and resources."""
    yield from check_rules(role.rules, cluster=True)


ROLE = Kind(
    group=GROUP,
    name="Role",
    plural="roles",
    singular="role",
    model=Role,
    validate=validate_role,
    advice=not_enforced,
    columns=_CREATED,
    subresources=(),
    has_generation=False,
    builtin=True,
)
CLUSTER_ROLE = Kind(
    group=GROUP,
    name="ClusterRole",
    plural="clusterroles",
    singular="clusterrole",
    model=ClusterRole,
    validate=validate_cluster_role,
    advice=not_enforced,
    columns=_CREATED,
    namespaced=False,
    subresources=(),
    has_generation=False,
    builtin=True,
)
