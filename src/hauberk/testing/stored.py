"""Objects as a snapshot, for decisions that only read."""

from __future__ import annotations

from hauberk.base.refs import Json, ref_of
from hauberk.ports import Snapshot
from hauberk.store.memory import Memory


class Stored:
    """As much of an Api as a reader needs; the first object has revision 1, and so on."""

    def __init__(self, *objs: Json) -> None:
        self._memory = Memory()
        for i, obj in enumerate(objs, 1):
            self._memory.apply(ref_of(obj), obj, i)

    def snapshot(self) -> Snapshot:
        """The objects."""
        return self._memory
