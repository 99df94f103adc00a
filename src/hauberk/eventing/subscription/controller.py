"""Wiring of the Subscription controller."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, Ref, kind_of
from hauberk.engine.plan import Controller
from hauberk.eventing.indexes import channel_of, wake_named, wakes_of_addressables
from hauberk.eventing.names import BACKING, CHANNEL, SUBSCRIPTION
from hauberk.eventing.subscription.plan import World, plan
from hauberk.kinds import BY_ID
from hauberk.kinds.eventing.addressable import Address, Answer, Unresolved, resolve
from hauberk.kinds.eventing.parts import kind_named
from hauberk.ports import Snapshot


def carrier_of(subscription: Json, snapshot: Snapshot) -> Json | Unresolved:
    """The channel that carries the Subscription's events: the named one, or what backs it.

    Source: subscription.go, getChannel.
    """
    ref = channel_of(subscription)
    found = snapshot.get(ref)
    if found is None:
        kind = BY_ID.get(ref.kind)
        plural = f"{kind.plural}.{kind.group}".rstrip(".") if kind else ref.kind.lower()
        return Unresolved(f'{plural} "{ref.name}" not found')
    if kind_of(found) != CHANNEL:
        return found
    backing = (found.get("status") or {}).get("channel")
    if not is_true(found) or not backing:
        return Unresolved("channel is not ready.")
    below = snapshot.get(Ref(kind_named(backing), ref.namespace, backing["name"]))
    return below if below is not None else Unresolved("channel is not ready.")


def _dead_letter(spec: Json, home: str, channel: Json | Unresolved, snapshot: Snapshot) -> Answer | None:
    """Its own sink, else the channel's. Source: resolveDeadLetterSink."""
    own = (spec.get("delivery") or {}).get("deadLetterSink")
    if own:
        return resolve(own, home, snapshot)
    if isinstance(channel, Unresolved):
        return None
    if not ((channel.get("spec") or {}).get("delivery") or {}).get("deadLetterSink"):
        return None
    status = channel.get("status") or {}
    if not status.get("deadLetterSinkUri"):
        name = channel["metadata"]["name"]
        return Unresolved(f"channel {name} didn't set status.deadLetterSinkURI")
    rest = (status.get("deadLetterSinkCACerts") or "", status.get("deadLetterSinkAudience") or "")
    return Address(status["deadLetterSinkUri"], *rest)


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Subscription, its channel and what it names."""
    subscription = snapshot.get(ref)
    if subscription is None:
        return None
    spec = subscription["spec"]
    channel = carrier_of(subscription, snapshot)
    ends = {name: spec.get(name) for name in ("subscriber", "reply")}
    found = {n: resolve(end, ref.namespace, snapshot) if end else None for n, end in ends.items()}
    return World(
        subscription=subscription,
        channel=channel,
        subscriber=found["subscriber"],
        reply=found["reply"],
        dead_letter=_dead_letter(spec, ref.namespace, channel, snapshot),
    )


def wake_for_channel(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The Subscriptions that name the channel, or the Channel that it backs."""
    yield from wake_named(SUBSCRIPTION)(changed, snapshot)
    for owner in changed["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == "Channel":
            channel = snapshot.get(Ref(CHANNEL, changed["metadata"]["namespace"], owner["name"]))
            if channel is not None:
                yield from wake_named(SUBSCRIPTION)(channel, snapshot)


CONTROLLER: Controller[World] = Controller(
    name="subscription",
    kind=SUBSCRIPTION,
    wakes={**wakes_of_addressables(SUBSCRIPTION), **dict.fromkeys(BACKING, wake_for_channel)},
    observe=observe,
    plan=plan,
)
