"""What the mt-adapter is told of PingSources: when, what, where to. Pure."""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json
from hauberk.eventing.sources.parts import overrides_of
from hauberk.eventing.sources.pingsource.plan import ADAPTER, EVENT_TYPE, event_source
from hauberk.eventing.sources.wakes import READS
from hauberk.events.contract import Resource
from hauberk.events.roles import Role
from hauberk.kinds.eventing.addressable import Address, resolve
from hauberk.kinds.eventing.ping_source import EVERY_MINUTE, KIND
from hauberk.ports import Snapshot

_DATA = ("timezone", "contentType", "data", "dataBase64")


def resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """One resource for each PingSource whose sink has an address."""
    found = ((source, _sink(source, snapshot)) for source in snapshot.list(KIND.id))
    return tuple(make_resource(source, sink) for source, sink in found if sink is not None)


def _sink(source: Json, snapshot: Snapshot) -> Address | None:
    meta = source["metadata"]
    if meta.get("deletionTimestamp"):
        return None
    answer = resolve((source.get("spec") or {}).get("sink") or {}, meta["namespace"], snapshot)
    return answer if isinstance(answer, Address) else None


def make_resource(source: Json, sink: Address) -> Resource:
    """One PingSource as the adapter takes it: `settings` holds schedule, data and attributes."""
    meta, spec = source["metadata"], source.get("spec") or {}
    settings: dict[str, Any] = {k: spec[k] for k in _DATA if spec.get(k)}
    settings["schedule"] = spec.get("schedule") or EVERY_MINUTE
    settings["attributes"] = {
        **overrides_of(spec),
        "type": EVENT_TYPE,
        "source": event_source(meta["namespace"], meta["name"]),
    }
    return Resource(
        uid=meta["uid"],
        kind="PingSource",
        namespace=meta["namespace"],
        name=meta["name"],
        generation=meta.get("generation", 0),
        target=sink.target,
        settings=settings,
    )


ROLE = Role(
    name=ADAPTER,
    resources=resources,
    reads=(KIND.id, *READS),
    wakes={KIND.id: "pingsource"},
)
