"""Who a request is from.

The edge has verified the client certificate and names its subject in
`x-forwarded-client-cert`; nobody else can reach the socket. There is no anonymous user: only the paths of
`OPEN_PATHS` are answered to clients that did not prove who they are. What a user may do is `rbac`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from hauberk.apiserver.request import AUTHENTICATED, User
from hauberk.base.apierrors import Unauthorized

Authenticator = Callable[[Mapping[str, str]], User | None]
"""From the headers of a request (lower-case names) to its user; None: not by this means."""

OPEN_PATHS = ("/readyz", "/livez", "/healthz", "/version")

_SUBJECT = re.compile(r'Subject="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_PART = re.compile(r"(?:[^,+\\]|\\.)+")


def by_client_certificate(headers: Mapping[str, str]) -> User | None:
    """The user in Envoy's `x-forwarded-client-cert`: common name, and organisations as groups."""
    match = _SUBJECT.search(headers.get("x-forwarded-client-cert", ""))
    if match is None:
        return None
    names = subject_of(match[1])
    common = [value for key, value in names if key == "CN"]
    if not common:
        return None
    groups = tuple(value for key, value in names if key == "O")
    return User(common[0], (*groups, AUTHENTICATED))


def subject_of(text: str) -> list[tuple[str, str]]:
    """The attributes of an RFC 2253 name: `CN=admin,O=system:masters`."""
    found = []
    for part in _PART.findall(text):
        key, equals, value = part.partition("=")
        if equals:
            found.append((key.strip().upper(), re.sub(r"\\(.)", r"\1", value.strip())))
    return found


def authenticate(headers: Mapping[str, str], authenticators: Sequence[Authenticator]) -> User:
    """The first user that an authenticator finds. Unauthorized."""
    for authenticator in authenticators:
        user = authenticator(headers)
        if user is not None:
            return user
    raise Unauthorized("Unauthorized")
