"""Wiring of the PingSource controller."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller
from hauberk.eventing.config.reading import FEATURES, data_of
from hauberk.eventing.names import DEPLOYMENT, SYSTEM
from hauberk.eventing.sources.pingsource.plan import ADAPTER, World, plan
from hauberk.eventing.sources.wakes import wakes_of_sinks
from hauberk.events.roles import Serves
from hauberk.kinds.eventing.addressable import resolve
from hauberk.kinds.eventing.ping_source import KIND
from hauberk.ports import Snapshot


def wake_for_adapter(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """All PingSources, when the adapter's Deployment changes."""
    if changed["metadata"]["name"] == ADAPTER and changed["metadata"].get("namespace") == SYSTEM:
        yield from map(ref_of, snapshot.list(KIND.id))


def controller(serves: Serves) -> Controller[World]:
    """The row. `serves` knows what the adapter acknowledged."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        source = snapshot.get(ref)
        if source is None:
            return None
        return World(
            source=source,
            sink=resolve((source.get("spec") or {}).get("sink") or {}, ref.namespace, snapshot),
            adapter=snapshot.get(Ref(DEPLOYMENT, SYSTEM, ADAPTER)),
            acked=serves(ADAPTER, source["metadata"]["uid"]),
            features=data_of(snapshot, FEATURES),
        )

    return Controller(
        name="pingsource",
        kind=KIND.id,
        wakes={**wakes_of_sinks(KIND.id), DEPLOYMENT: wake_for_adapter},
        observe=observe,
        plan=plan,
    )
