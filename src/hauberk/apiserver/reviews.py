"""Questions that are answered and never stored: who am I, what may I, what may somebody, whose is a token.

Source: kubernetes pkg/registry/authorization/{selfsubjectaccessreview,subjectaccessreview,
localsubjectaccessreview,selfsubjectrulesreview}/rest.go, util/helpers.go; pkg/registry/authentication/
{tokenreview,selfsubjectreview}/rest.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.rbac.authorizer import Authorizer
from hauberk.apiserver.request import User
from hauberk.base.apierrors import BadRequest, Invalid
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json, Ref

UserOfToken = Callable[[str, Sequence[str]], tuple[User, list[str]] | None]
_ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_EVERYWHERE = {"verbs": ["*"], "nonResourceURLs": ["*"]}


@dataclass(frozen=True)
class Reviews:
    """Answers of one cluster. Without `user_of_token` no token counts."""

    authorizer: Authorizer
    user_of_token: UserOfToken | None = None

    def answer(self, kind: str, obj: Json, user: User) -> dict[str, Any]:
        """The review with its status filled in. BadRequest, Invalid."""
        spec = obj.get("spec") or {}
        match kind.partition(".")[0]:
            case "SelfSubjectReview":
                status: dict[str, Any] = {"userInfo": user.info}
            case "TokenReview":
                status = self._token(spec)
            case "SelfSubjectRulesReview":
                status = self._rules(spec, user)
            case "SelfSubjectAccessReview":
                status = self._access(kind, spec, user)
            case _:
                status = self._access(kind, _checked(kind, spec, obj), _subject(spec))
        return {**obj, "status": status}

    def _access(self, kind: str, spec: Json, user: User) -> dict[str, Any]:
        resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if (resource is None) == (path is None):
            told = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            raise _invalid(kind, "spec.resourceAttributes", f"Invalid value: null: {told}")
        decision = self.authorizer.decide(_attributes(user, resource, path))
        status: dict[str, Any] = {"allowed": decision.allowed}
        if decision.reason or decision.error:
            status["reason"] = decision.reason or decision.error
        return status

    def _rules(self, spec: Json, user: User) -> dict[str, Any]:
        namespace = spec.get("namespace", "")
        if not namespace:
            raise BadRequest("no namespace on request")
        rules, errors = self.authorizer.rules(user, namespace)
        resources = [rule for rule in rules if rule.get("resources")]
        paths = [rule for rule in rules if rule.get("nonResourceURLs")]
        if user.is_master and not any("*" in rule["resources"] for rule in resources):
            resources, paths = [_ALL, *resources], [_EVERYWHERE, *paths]
        status: dict[str, Any] = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
        if errors:
            status["evaluationError"] = ", ".join(errors)
        return status

    def _token(self, spec: Json) -> dict[str, Any]:
        if not spec.get("token"):
            raise BadRequest("token is required for TokenReview in authentication")
        audiences = list(spec.get("audiences") or ())
        found = self.user_of_token(spec["token"], audiences) if self.user_of_token else None
        if found is None:
            return {"user": {}, "error": "the token is not one of this cluster, or it no longer counts"}
        user, matching = found
        return {"authenticated": True, "user": user.info, "audiences": matching}


def _attributes(user: User, resource: Json | None, path: Json | None) -> Attributes:
    if path is not None:
        return Attributes(user, path.get("verb", ""), path=path.get("path", "") or "/")
    given = resource or {}
    keys = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(user, *(str(given.get(key) or "") for key in keys))


def _subject(spec: Json) -> User:
    extra = tuple((key, tuple(values)) for key, values in (spec.get("extra") or {}).items())
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)


def _checked(kind: str, spec: Json, obj: Json) -> Json:
    if not spec.get("user") and not spec.get("groups"):
        told = 'Invalid value: "": at least one of user or group must be specified'
        raise _invalid(kind, "spec.user", told)
    if kind.startswith("Local"):
        namespace = (obj.get("metadata") or {}).get("namespace", "")
        if (spec.get("resourceAttributes") or {}).get("namespace") != namespace:
            raise BadRequest("spec.resourceAttributes.namespace must match namespace: " + namespace)
    return spec


def _invalid(kind: str, path: str, told: str) -> Invalid:
    cause = FieldError(path, told, "FieldValueInvalid")
    return Invalid(f'{kind} "" is invalid: {cause}', ref=Ref(kind, "", ""), causes=[cause])
