"""Lists page by page, all pages of one list as of the revision of its first.

The rest of a list that somebody is paging through is kept for a while: it only refers to objects, so it
costs little. A page asked for too late is refused as upstream refuses a compacted one, and clients start
anew. Source: apiserver pkg/storage/continue.go; etcd3/errors.go, handleCompactedErrorForPaging.
"""

from __future__ import annotations

import base64
import binascii
import bisect
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import orjson

from hauberk.base.apierrors import BadRequest, Gone
from hauberk.base.refs import Json

KEPT = 64  # lists in the middle of paging
TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You must start a new list without the continue parameter."
)
Query: TypeAlias = tuple[str, ...]
"""What a list asks for: kind, namespace, selectors."""


class Pages:
    """The lists that are being paged through, the latest `KEPT` of them."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[int, Query], Sequence[Json]] = OrderedDict()

    def page(
        self, query: Query, now: Callable[[], Sequence[Json]], revision: int, limit: int | None, token: str
    ) -> tuple[Sequence[Json], dict[str, Any]]:
        """One page and the list's metadata. `now` is the whole list at `revision`. BadRequest, Gone."""
        start: tuple[str, str] | None = None
        if token:
            asked, start = read_token(token)
            objects = now() if asked == revision else self._kept(asked, query)
            revision = asked
        else:
            objects = now()
        rest = objects[bisect.bisect_right(objects, start, key=key_of) :] if start else objects
        meta: dict[str, Any] = {"resourceVersion": str(revision)}
        if not limit or not 0 < limit < len(rest):
            return rest, meta
        self._keep(revision, query, objects)
        meta["continue"] = make_token(key_of(rest[limit - 1]), revision)
        if not any(query[2:]):
            meta["remainingItemCount"] = len(rest) - limit
        return rest[:limit], meta

    def _kept(self, revision: int, query: Query) -> Sequence[Json]:
        found = self._lists.get((revision, query))
        if found is None:
            raise Gone(TOO_OLD)
        return found

    def _keep(self, revision: int, query: Query, objects: Sequence[Json]) -> None:
        self._lists[revision, query] = objects
        self._lists.move_to_end((revision, query))
        while len(self._lists) > KEPT:
            self._lists.popitem(last=False)


def key_of(obj: Json) -> tuple[str, str]:
    """What lists are ordered by."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def make_token(key: tuple[str, str], revision: int) -> str:
    """The `continue` of a page that ends with that object."""
    text = orjson.dumps({"v": "hauberk/v1", "rv": revision, "after": key})
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_token(token: str) -> tuple[int, tuple[str, str]]:
    """The revision of a list and the last object that was shown. BadRequest."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = value["after"]
        return int(value["rv"]), (str(namespace), str(name))
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise BadRequest("continue key is not valid") from None
