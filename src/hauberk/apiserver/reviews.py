"""Answers about the one who asks: `kubectl auth whoami`, `kubectl auth can-i`."""

from __future__ import annotations

from typing import Any

from hauberk.apiserver.request import User
from hauberk.base.refs import Json

_READABLE = (
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
)
_ASKABLE = {
    "selfsubjectaccessreviews": "authorization.k8s.io",
    "selfsubjectrulesreviews": "authorization.k8s.io",
    "selfsubjectreviews": "authentication.k8s.io",
}


def answer(kind: str, obj: Json, user: User) -> dict[str, Any]:
    """The review with its status filled in."""
    spec = obj.get("spec") or {}
    match kind:
        case "SelfSubjectReview.authentication.k8s.io":
            info: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
            if user.uid:
                info["uid"] = user.uid
            return {**obj, "status": {"userInfo": info}}
        case "SelfSubjectAccessReview.authorization.k8s.io":
            return {**obj, "status": _access(spec, user)}
        case _:
            return {**obj, "status": _rules(user)}


def _access(spec: Json, user: User) -> dict[str, Any]:
    if user.is_master:
        return {"allowed": True, "reason": f'"{user.name}" is a member of system:masters'}
    resource = spec.get("resourceAttributes") or {}
    path = spec.get("nonResourceAttributes") or {}
    name = resource.get("resource", "")
    allowed = resource.get("verb") == "create" and _ASKABLE.get(name) == resource.get("group")
    if path.get("verb") == "get":
        allowed = any(_covers(pattern, path.get("path", "")) for pattern in _READABLE)
    return {"allowed": allowed}


def _covers(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _rules(user: User) -> dict[str, Any]:
    if user.is_master:
        resources = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        paths = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
    else:
        resources = [
            {"verbs": ["create"], "apiGroups": [group], "resources": [name]}
            for name, group in _ASKABLE.items()
        ]
        paths = [{"verbs": ["get"], "nonResourceURLs": list(_READABLE)}]
    return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
