"""From a request's method, path and query to what authorization asks about. Pure.

Source: apiserver pkg/endpoints/request/requestinfo.go, NewRequestInfo.
"""

from __future__ import annotations

from collections.abc import Mapping

from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.request import User

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_OF_NAMESPACES = ("status", "finalize")
_BY_NAME = "metadata.name="


def attributes_of(user: User, method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """What a request asks for; a path that is no resource's is asked about as itself."""
    parts = [part for part in path.split("/") if part]
    group = ""
    if parts[:1] == ["api"] and len(parts) >= 3:
        rest = parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 4:
        group, rest = parts[1], parts[3:]
    else:
        return Attributes(user, method.lower(), path=path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    verb = _VERBS.get(method, "")
    if not name and verb == "get":
        verb = "watch" if _flag(query.get("watch")) else "list"
        name = _exact_name(query.get("fieldSelector", ""))
    elif not name and verb == "delete":
        verb = "deletecollection"
    return Attributes(user, verb, group, resource, subresource, namespace, name)


def _flag(value: str | None) -> bool:
    return value is not None and value.lower() not in ("false", "0")


def _exact_name(selector: str) -> str:
    """The one name that a field selector allows."""
    for term in selector.split(","):
        if term.startswith(_BY_NAME):
            return term.removeprefix(_BY_NAME).removeprefix("=")
    return ""
