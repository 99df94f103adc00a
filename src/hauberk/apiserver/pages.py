"""Lists as of a revision, whole or page by page.

All pages of one list show the state at the revision of its first. When that is too long ago, the client is
told so with a token by which it may go on with the state of now.

Source: apiserver pkg/storage/continue.go; etcd3/errors.go, handleCompactedErrorForPaging;
etcd3/store.go, GetList.
"""

from __future__ import annotations

import base64
import binascii
import bisect
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from hauberk.apiserver.options import ListOptions, too_large
from hauberk.base.apierrors import BadRequest, Gone
from hauberk.base.refs import Json
from hauberk.store import place_of

_PAGE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - "
    "objects that were created, modified, or deleted between the time the first chunk was returned and "
    "now may show up in the list."
)
_TOO_OLD = "The resourceVersion for the provided list is too old."
_NOW = -1  # a token that goes on with the state of now

At = Callable[[int], Sequence[Json] | None]
"""All objects that the list is of, in order, at a revision; None when that is too long ago."""


def page(at: At, current: int, asked: ListOptions, *, counted: bool) -> tuple[Sequence[Json], dict[str, Any]]:
    """The objects of one answer and the list's metadata. BadRequest, Gone, Timeout.

    `counted`: whether to say how many are left, which upstream does for lists without selectors.
    """
    start: tuple[str, str] | None = None
    revision = current
    if asked.token:
        revision, start = read_token(asked.token)
        revision = current if revision == _NOW else revision
    elif asked.revision and asked.revision > current:
        raise too_large(asked.revision, current)
    elif asked.exact and asked.revision:
        revision = asked.revision
    objects = at(revision)
    if objects is None:
        raise _too_old(start)
    rest = objects[bisect.bisect_right(objects, start, key=place_of) :] if start else objects
    meta: dict[str, Any] = {"resourceVersion": str(revision)}
    if not 0 < asked.limit < len(rest):
        return rest, meta
    meta["continue"] = make_token(place_of(rest[asked.limit - 1]), revision)
    if counted:
        meta["remainingItemCount"] = len(rest) - asked.limit
    return rest[: asked.limit], meta


def _too_old(start: tuple[str, str] | None) -> Gone:
    if start is None:
        return Gone(_TOO_OLD)
    return Gone(_PAGE_TOO_OLD, meta={"continue": make_token(start, _NOW)})


def make_token(place: tuple[str, str], revision: int) -> str:
    """The `continue` of a page that ends with the object of that namespace and name."""
    text = orjson.dumps({"v": "hauberk/v1", "rv": revision, "after": place})
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_token(token: str) -> tuple[int, tuple[str, str]]:
    """The revision of a list and the last object that was shown. BadRequest."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = value["after"]
        return int(value["rv"]), (str(namespace), str(name))
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise BadRequest("continue key is not valid") from None
