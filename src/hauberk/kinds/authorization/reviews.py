"""authorization.k8s.io and authentication.k8s.io: questions that are answered, never stored."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind, ObjectMeta, Part

AUTHORIZATION, AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"


class ResourceAttributes(Part, frozen=True):
    """A request for a resource."""

    __inert__ = ("fieldSelector", "labelSelector")

    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""


class NonResourceAttributes(Part, frozen=True):
    """A request for a path."""

    path: str = ""
    verb: str = ""


class AccessSpec(Part, frozen=True):
    """The request that is asked about; exactly one is set."""

    resource_attributes: ResourceAttributes | None = None
    non_resource_attributes: NonResourceAttributes | None = None


class SelfSubjectAccessReview(Part, frozen=True):
    """Whether the current user may do something."""

    metadata: ObjectMeta = ObjectMeta()
    spec: AccessSpec = AccessSpec()
    status: dict[str, Any] | None = None


class RulesSpec(Part, frozen=True):
    """The namespace that is asked about."""

    namespace: str = ""


class SelfSubjectRulesReview(Part, frozen=True):
    """What the current user may do in a namespace."""

    metadata: ObjectMeta = ObjectMeta()
    spec: RulesSpec = RulesSpec()
    status: dict[str, Any] | None = None


class SelfSubjectReview(Part, frozen=True):
    """Who the current user is."""

    metadata: ObjectMeta = ObjectMeta()
    status: dict[str, Any] | None = None


def _review(group: str, name: str, model: type[Part]) -> Kind[Any]:
    return Kind(
        group=group,
        name=name,
        plural=f"{name.lower()}s",
        singular=name.lower(),
        model=model,
        namespaced=False,
        subresources=(),
        has_generation=False,
        builtin=True,
        verbs=("create",),
        extra={"virtual": True},
    )


ACCESS = _review(AUTHORIZATION, "SelfSubjectAccessReview", SelfSubjectAccessReview)
RULES = _review(AUTHORIZATION, "SelfSubjectRulesReview", SelfSubjectRulesReview)
WHO = _review(AUTHENTICATION, "SelfSubjectReview", SelfSubjectReview)
