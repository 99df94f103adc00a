"""Tells controllers what RBAC lets a ServiceAccount do, as the API itself would decide."""

from __future__ import annotations

from collections.abc import Callable

from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.rbac.authorizer import Authorizer
from hauberk.apiserver.request import AUTHENTICATED, User
from hauberk.eventing.sources import Allows
from hauberk.ports import Snapshot

_PREFIX = "system:serviceaccount:"


def allows_of(snapshot: Callable[[], Snapshot]) -> Allows:
    """The answer for a user by name, from the roles and bindings that are stored."""
    authorizer = Authorizer(snapshot)

    def allows(user: str, verb: str, group: str, resource: str, namespace: str) -> bool:
        asked = Attributes(user_of(user), verb, group=group, resource=resource, namespace=namespace)
        return authorizer.decide(asked).allowed

    return allows


def user_of(name: str) -> User:
    """The user with the groups that its token would give it."""
    if not name.startswith(_PREFIX):
        return User(name, (AUTHENTICATED,))
    home = name.removeprefix(_PREFIX).partition(":")[0]
    return User(name, ("system:serviceaccounts", f"system:serviceaccounts:{home}", AUTHENTICATED))
