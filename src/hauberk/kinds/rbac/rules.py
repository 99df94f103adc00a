"""What the four kinds of rbac.authorization.k8s.io share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from msgspec import Meta, field

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, Part, as_is, no_update_rules
from hauberk.kinds.rules import required, unsupported

GROUP = "rbac.authorization.k8s.io"
SUBJECT_KINDS = ("Group", "ServiceAccount", "User")

T = TypeVar("T", bound=Part)
Text = Annotated[str, Meta(description="`*` means all.")]


class PolicyRule(Part, frozen=True):
    """Verbs that are allowed upon resources or paths."""

    verbs: tuple[Text, ...] = ()
    api_groups: tuple[Text, ...] = ()
    resources: tuple[Text, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[Text, ...] = field(default=(), name="nonResourceURLs")


class Subject(Part, frozen=True):
    """A user, group or ServiceAccount that a role is given to."""

    kind: str = ""
    api_group: str = ""
    name: str = ""
    namespace: str = ""


class RoleRef(Part, frozen=True):
    """The role that is given. Cannot be updated."""

    api_group: str = ""
    kind: str = ""
    name: str = ""


def check_rules(rules: tuple[PolicyRule, ...], *, cluster: bool) -> FieldErrors:
    """Source: kubernetes pkg/apis/rbac/validation/validation.go, ValidatePolicyRule."""
    for i, rule in enumerate(rules):
        path = f"rules[{i}]"
        if not rule.verbs:
            yield required(f"{path}.verbs", "verbs must contain at least one value")
        if rule.non_resource_urls and cluster:
            continue
        if not rule.api_groups:
            yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
        if not rule.resources:
            yield required(f"{path}.resources", "resource rules must supply at least one resource")


def check_binding(ref: RoleRef, subjects: tuple[Subject, ...], kinds: tuple[str, ...]) -> FieldErrors:
    """Source: kubernetes pkg/apis/rbac/validation/validation.go, ValidateRoleBinding."""
    if ref.kind not in kinds:
        yield unsupported("roleRef.kind", ref.kind, kinds)
    if not ref.name:
        yield required("roleRef.name")
    for i, subject in enumerate(subjects):
        if not subject.name:
            yield required(f"subjects[{i}].name")
        if subject.kind not in SUBJECT_KINDS:
            yield unsupported(f"subjects[{i}].kind", subject.kind, SUBJECT_KINDS)
        if subject.kind == "ServiceAccount" and not subject.namespace:
            yield required(f"subjects[{i}].namespace")


def rbac_kind(
    model: type[T],
    validate: Callable[[T], FieldErrors],
    *,
    namespaced: bool,
    columns: tuple[Column, ...],
    default: Callable[[dict[str, Any]], dict[str, Any]] = as_is,
    validate_update: Callable[[Json, Json], FieldErrors] = no_update_rules,
) -> Kind[T]:
    """The row of one kind of the group: named as its model, without status and generation."""
    name = model.__name__.lower()
    return Kind(
        group=GROUP,
        name=model.__name__,
        plural=f"{name}s",
        singular=name,
        model=model,
        default=default,
        validate=validate,
        validate_update=validate_update,
        columns=columns,
        namespaced=namespaced,
        subresources=(),
        has_generation=False,
        builtin=True,
    )
