"""Which sources must be looked at again when something else changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Wakes
from hauberk.eventing.config.reading import FEATURES, MAPPING, wakes_all
from hauberk.eventing.names import ADDRESSABLES
from hauberk.kinds.eventing.addressable import refs_of_destinations
from hauberk.ports import Index, Snapshot

READS = ("ConfigMap", *ADDRESSABLES)
"""What the address of a sink depends on."""


def _sinks(source: Json) -> Iterator[str]:
    home = str(source["metadata"].get("namespace", ""))
    yield from map(str, refs_of_destinations(home, (source.get("spec") or {}).get("sink")))


def wakes_of_sinks(kind: str, more: Mapping[str, Wakes] | None = None) -> dict[str, Wakes]:
    """Rows for `Controller.wakes`: the sources of `kind` whose sink has changed, or what features say.

    `more` are further rows; for a kind in both, both wake.
    """
    index = Index(kind, _sinks)

    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        yield from map(ref_of, snapshot.find(index, str(ref_of(changed))))

    rows: dict[str, Wakes] = {
        **dict.fromkeys(ADDRESSABLES, wake),
        "ConfigMap": wakes_all(kind, FEATURES, MAPPING),
    }
    for name, row in (more or {}).items():
        rows[name] = _both(rows[name], row) if name in rows else row
    return rows


def _both(first: Wakes, second: Wakes) -> Wakes:
    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        yield from first(changed, snapshot)
        yield from second(changed, snapshot)

    return wake
