"""Wiring of the EventType controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.eventtype.plan import World, plan
from hauberk.eventing.indexes import wakes_of_addressables
from hauberk.eventing.names import EVENT_TYPE
from hauberk.kinds.eventing.addressable import ref_of_reference
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one EventType and what it refers to."""
    event_type = snapshot.get(ref)
    if event_type is None:
        return None
    reference = (event_type.get("spec") or {}).get("reference")
    found = snapshot.get(ref_of_reference(reference, ref.namespace)) if reference else None
    return World(event_type=event_type, exists=found is not None)


CONTROLLER: Controller[World] = Controller(
    name="eventtype", kind=EVENT_TYPE, wakes=wakes_of_addressables(EVENT_TYPE), observe=observe, plan=plan
)
