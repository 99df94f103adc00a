"""Whether proxies serve what was published: an acknowledged configuration is taken for a served one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, is_deleting


@dataclass(frozen=True, slots=True)
class Acks:
    """What is known now of the newest publication.

    `published` is the store revision that it contains; `is_synced` tells of a pod's uid whether its proxy
    acknowledged all that is published.
    """

    published: Callable[[], int]
    is_synced: Callable[[str], bool]

    def serve(self, revision: int, pods: Iterable[Json]) -> bool:
        """Whether every ready pod of these serves the state of that revision; False when none is ready."""
        if self.published() < revision:
            return False
        ready = [p["metadata"]["uid"] for p in pods if is_true(p) and not is_deleting(p)]
        return bool(ready) and all(map(self.is_synced, ready))
