"""Wiring: one row for each kind of channel that carries events."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, controller_of, kind_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.eventing.indexes import SUBSCRIPTIONS_BY_CHANNEL, channel_of
from hauberk.eventing.names import BACKING, CHANNEL, SUBSCRIPTION
from hauberk.eventing.subscribers.plan import World, plan
from hauberk.kinds.eventing.parts import kind_named
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a channel, and the Subscriptions that name it or the Channel that it backs."""
    channel = snapshot.get(ref)
    if channel is None:
        return None
    found = list(snapshot.find(SUBSCRIPTIONS_BY_CHANNEL, str(ref)))
    owner = controller_of(channel)
    if owner is not None and owner["kind"] == "Channel":
        above = Ref(CHANNEL, ref.namespace, owner["name"])
        found += snapshot.find(SUBSCRIPTIONS_BY_CHANNEL, str(above))
    return World(channel=channel, subscriptions=found)


def wake_for_subscription(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The channel that carries the Subscription's events."""
    ref = channel_of(changed)
    found = snapshot.get(ref)
    if found is not None and kind_of(found) == CHANNEL:
        backing = (found.get("status") or {}).get("channel")
        if backing:
            yield Ref(kind_named(backing), ref.namespace, backing["name"])
    elif found is not None:
        yield ref_of(found)


def _row(kind: str) -> Controller[World]:
    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        yield from (r for r in wake_for_subscription(changed, snapshot) if r.kind == kind)

    name = f"{kind.partition('.')[0].lower()}-subscribers"
    return Controller(name=name, kind=kind, wakes={SUBSCRIPTION: wake}, observe=observe, plan=plan)


CONTROLLERS = tuple(_row(kind) for kind in BACKING)
