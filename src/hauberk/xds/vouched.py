"""Which rules the proxies have taken: when a resource is refused, those are not to blame."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.mesh.origins import Origin

_ROOM = 50_000


class Vouched:
    """What was last acknowledged under each name. Noting costs the same however many rules there are."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], tuple[Origin, ...]] = {}

    def note(self, namespace: str, type_url: str, name: str, origins: tuple[Origin, ...]) -> None:
        """A proxy of that namespace took a resource."""
        if len(self._rows) >= _ROOM:
            self._rows.clear()  # what is still there is noted again with its next change
        self._rows[namespace, type_url, name] = origins

    def without(self, origins: Iterable[Origin]) -> tuple[Origin, ...]:
        """Those that no proxy has taken."""
        known = {origin for rows in self._rows.values() for origin in rows}
        return tuple(o for o in origins if o not in known)
