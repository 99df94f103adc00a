"""Answers which digest an image has, from the images of this machine.

An answer is remembered until the machine's images change; then the Revisions that wait for an image
are looked at again, as upstream asks the registry again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.node import images
from hauberk.node.images.reference import parse_reference
from hauberk.ports import Api, Clock
from hauberk.serving.names import REVISION
from hauberk.serving.resolver import Digest, Unresolvable

log = logging.getLogger(__name__)
LOOK_S = 1.0


def digest_of(image: str, paths: Paths) -> Digest | Unresolvable:
    """Look the image up: one small file is read."""
    try:
        found = images.resolve(image, paths)
        return Digest(f"{parse_reference(image).repository}@{found.digest}")
    except images.ImageProblem as problem:
        return Unresolvable(problem.message)


def is_waiting(revision: Json) -> bool:
    """Whether an image of the Revision has no digest yet."""
    rows = (revision.get("status") or {}).get("containerStatuses") or ()
    return not rows or any(not row.get("imageDigest") for row in rows)


@dataclass
class Digests:
    """A `serving.Resolve`. `run` must run beside it."""

    api: Api
    paths: Paths
    clock: Clock
    _known: dict[str, Digest | Unresolvable] = field(default_factory=dict)
    _seen: int = 0

    def __call__(self, image: str) -> Digest | Unresolvable:
        """The image by its digest, or why it cannot be had."""
        if image not in self._known:
            self._known[image] = digest_of(image, self.paths)
        return self._known[image]

    async def run(self, wake: Callable[[str, Ref], None]) -> None:
        """Watch the machine's images until cancelled; `wake(controller, ref)` looks at a Revision again."""
        self._seen = self._changed_ns()
        while True:
            await self.clock.sleep(LOOK_S)
            changed = self._changed_ns()
            if changed != self._seen:
                self._seen = changed
                self._known.clear()
                for revision in self.api.snapshot().list(REVISION):
                    if is_waiting(revision):
                        wake("revision", ref_of(revision))

    def _changed_ns(self) -> int:
        try:
            return (self.paths.images / "index.json").stat().st_mtime_ns
        except FileNotFoundError:
            return 0
