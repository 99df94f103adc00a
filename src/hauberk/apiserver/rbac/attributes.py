"""A request as authorization sees it.

Source: apiserver pkg/endpoints/request/requestinfo.go; pkg/authorization/authorizer/interfaces.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.apiserver.request import User


@dataclass(frozen=True, slots=True)
class Attributes:
    """Who wants to do what. With a `path` it is not about a resource; `name` is empty for all of them."""

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def combined(self) -> str:
        """`pods`, or `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def wanted(attributes: Attributes) -> str:
    """The request in the words of a refusal.

    Source: apiserver pkg/endpoints/handlers/responsewriters/errors.go, forbiddenMessage.
    """
    who = f"User {_quoted(attributes.user.name)} cannot {attributes.verb}"
    if attributes.path:
        return f"{who} path {_quoted(attributes.path)}"
    what = f"{who} resource {_quoted(attributes.combined)} in API group {_quoted(attributes.group)}"
    if attributes.namespace:
        return f"{what} in the namespace {_quoted(attributes.namespace)}"
    return f"{what} at the cluster scope"


def _quoted(text: str) -> str:
    clean = text.replace("\\", "\\\\").replace('"', '\\"')
    for sign, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        clean = clean.replace(sign, shown)
    return f'"{clean}"'
