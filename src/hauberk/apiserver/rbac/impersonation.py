"""Acting as somebody else: the Impersonate headers, and who may use them.

Source: apiserver pkg/endpoints/filters/impersonation.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from hauberk.apiserver.http import SEVERAL
from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.rbac.authorizer import Authorizer
from hauberk.apiserver.request import AUTHENTICATED, User
from hauberk.base.apierrors import ApiError, BadRequest

_USER, _GROUP, _UID = "impersonate-user", "impersonate-group", "impersonate-uid"
_EXTRA = "impersonate-extra-"
_ACCOUNT = "system:serviceaccount:"
_AUTHENTICATION = "authentication.k8s.io"
ANONYMOUS, UNAUTHENTICATED = "system:anonymous", "system:unauthenticated"


def acting_as(user: User, headers: Mapping[str, str], authorizer: Authorizer) -> User:
    """The user that a request acts as: its own one without such headers. Forbidden, BadRequest."""
    if not any(name.startswith("impersonate-") for name in headers):
        return user
    name = headers.get(_USER, "")
    groups = tuple(g for g in headers.get(_GROUP, "").split(SEVERAL) if g)
    uid = headers.get(_UID, "")
    extra = tuple(_extra(headers))
    if not name:
        if groups or uid or extra:
            raise ApiError("Internal error occurred: requested impersonation without impersonating a user")
        return user
    for asked in _asked(user, name, groups, uid, extra):
        authorizer.check(asked)
    return User(name, _groups(name, groups), uid, extra)


def _extra(headers: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for header, value in headers.items():
        if header.startswith(_EXTRA):
            yield unquote(header.removeprefix(_EXTRA)).lower(), tuple(value.split(SEVERAL))


def _asked(
    user: User, name: str, groups: tuple[str, ...], uid: str, extra: tuple[tuple[str, tuple[str, ...]], ...]
) -> Iterator[Attributes]:
    """Each part of the wanted identity is a resource of its own."""
    if name.startswith(_ACCOUNT):
        namespace, colon, account = name.removeprefix(_ACCOUNT).partition(":")
        if not (colon and namespace and account):
            raise BadRequest(f"Username must be in the form {_ACCOUNT}namespace:name")
        yield Attributes(user, "impersonate", "", "serviceaccounts", "", namespace, account)
    else:
        yield Attributes(user, "impersonate", "", "users", name=name)
    for group in groups:
        yield Attributes(user, "impersonate", "", "groups", name=group)
    for key, values in extra:
        for value in values:
            yield Attributes(user, "impersonate", _AUTHENTICATION, "userextras", key, name=value)
    if uid:
        yield Attributes(user, "impersonate", _AUTHENTICATION, "uids", name=uid)


def _groups(name: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    if not groups and name.startswith(_ACCOUNT):
        namespace = name.removeprefix(_ACCOUNT).partition(":")[0]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    last = UNAUTHENTICATED if name == ANONYMOUS else AUTHENTICATED
    return groups if last in groups else (*groups, last)
