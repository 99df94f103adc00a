"""rbac.authorization.k8s.io/v1 Role and ClusterRole: sets of permissions."""

from __future__ import annotations

from hauberk.base.fields import FieldErrors
from hauberk.kinds.apps.selector import LabelSelector, check_selector
from hauberk.kinds.meta import Column, ObjectMeta, Part
from hauberk.kinds.rbac.rules import PolicyRule, check_rules, rbac_kind

_CREATED = (Column("Created At", ".metadata.creationTimestamp"),)


class Role(Part, frozen=True):
    """Permissions within one namespace."""

    metadata: ObjectMeta = ObjectMeta()
    rules: tuple[PolicyRule, ...] = ()


class AggregationRule(Part, frozen=True):
    """Which other ClusterRoles this one is made of: its rules are theirs, and follow them."""

    cluster_role_selectors: tuple[LabelSelector, ...] = ()


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
    if role.aggregation_rule is not None:
        for i, selector in enumerate(role.aggregation_rule.cluster_role_selectors):
            yield from check_selector(selector, f"aggregationRule.clusterRoleSelectors[{i}]")


ROLE = rbac_kind(Role, validate_role, namespaced=True, columns=_CREATED)
CLUSTER_ROLE = rbac_kind(ClusterRole, validate_cluster_role, namespaced=False, columns=_CREATED)
