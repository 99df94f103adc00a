"""Kinds that are kept as they come and do not act on the embedded cluster yet. Using one gives a Warning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.meta import ObjectMeta, Part


class Stored(Part, frozen=True):
    """An object that is stored as it comes."""

    metadata: ObjectMeta = ObjectMeta()
    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


def does_not_act(kind: str, instead: str) -> Callable[[Json], Iterator[str]]:
    """The advice of such a kind: what does not happen, and what to do instead."""

    def advice(_raw: Json) -> Iterator[str]:
        yield f"{kind} is stored but does not act on the embedded cluster yet: {instead}"

    return advice
