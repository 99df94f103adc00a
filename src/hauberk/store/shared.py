"""One copy of what many objects say alike.

A thousand objects of one kind have the same `managedFields` but for the time, and these are half of what they
hold. Stored objects are never changed, so they may share them.
"""

from __future__ import annotations

from typing import Any

import orjson

from hauberk.base.refs import Json

_ROOM = 4096


class Shared:
    """A bounded table of fieldsV1; when it is full it begins anew."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._known: dict[bytes, Json] = {}

    def with_shared_fields(self, obj: dict[str, Any]) -> dict[str, Any]:
        """The object itself, its managed fields replaced by equal ones that others have too."""
        meta = obj["metadata"]
        entries = meta.get("managedFields")
        if entries:
            meta["managedFields"] = [self._entry(entry) for entry in entries]
        return obj

    def _entry(self, entry: Json) -> Json:
        fields = entry.get("fieldsV1")
        if not fields:
            return entry
        body = orjson.dumps(fields)
        known = self._known.get(body)
        if known is None:
            if len(self._known) >= self._room:
                self._known.clear()
            known = self._known[body] = fields
        return entry if known is fields else {**entry, "fieldsV1": known}
