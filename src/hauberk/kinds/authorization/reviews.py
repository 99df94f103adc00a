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


class SubjectSpec(AccessSpec, frozen=True):
    """The request and the user that are asked about."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, Any] | None = None


class SubjectAccessReview(Part, frozen=True):
    """Whether a user or a group may do something."""

    metadata: ObjectMeta = ObjectMeta()
    spec: SubjectSpec = SubjectSpec()
    status: dict[str, Any] | None = None


class LocalSubjectAccessReview(Part, frozen=True):
    """Whether a user or a group may do something in one namespace."""

    metadata: ObjectMeta = ObjectMeta()
    spec: SubjectSpec = SubjectSpec()
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


class TokenSpec(Part, frozen=True):
    """The token that is asked about, and for whom it would count."""

    token: str = ""
    audiences: tuple[str, ...] = ()


class TokenReview(Part, frozen=True):
    """Whose a token is."""

    metadata: ObjectMeta = ObjectMeta()
    spec: TokenSpec = TokenSpec()
    status: dict[str, Any] | None = None


def _review(group: str, name: str, model: type[Part], *, namespaced: bool = False) -> Kind[Any]:
    return Kind(
        group=group,
        name=name,
        plural=f"{name.lower()}s",
        singular=name.lower(),
        model=model,
        namespaced=namespaced,
        subresources=(),
        has_generation=False,
        builtin=True,
        verbs=("create",),
        extra={"virtual": True},
    )


ACCESS = _review(AUTHORIZATION, "SelfSubjectAccessReview", SelfSubjectAccessReview)
RULES = _review(AUTHORIZATION, "SelfSubjectRulesReview", SelfSubjectRulesReview)
SUBJECT = _review(AUTHORIZATION, "SubjectAccessReview", SubjectAccessReview)
LOCAL = _review(AUTHORIZATION, "LocalSubjectAccessReview", LocalSubjectAccessReview, namespaced=True)
TOKEN = _review(AUTHENTICATION, "TokenReview", TokenReview)
WHO = _review(AUTHENTICATION, "SelfSubjectReview", SelfSubjectReview)
