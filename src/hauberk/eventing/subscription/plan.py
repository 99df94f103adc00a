"""Subscription: what it names, resolved, and whether its channel serves it. Pure.

Source: knative/eventing pkg/reconciler/subscription/subscription.go; pkg/apis/messaging/v1/
subscription_lifecycle.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, Truth
from hauberk.base.refs import Json
from hauberk.engine.plan import Note, Plan
from hauberk.eventing.names import OIDC_OFF, conditions
from hauberk.kinds.eventing.addressable import Address, Answer, Unresolved

TYPES = ("AddedToChannel", "ChannelReady", "OIDCIdentityCreated", "ReferencesResolved")
IDENTITY = Condition("OIDCIdentityCreated", "True", OIDC_OFF)
NOT_MARKED = "SubscriptionNotMarkedReadyByChannel"
CHANNEL_FAILED = "ChannelReferenceFailed"
FIELDS = (
    ("subscriber", "SubscriberResolveFailed", "spec.subscriber"),
    ("reply", "ReplyResolveFailed", "spec.reply"),
    ("deadLetterSink", "DeadLetterSinkResolveFailed", "spec.delivery.deadLetterSink"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Subscription may depend on."""

    subscription: Json
    channel: Json | Unresolved  # the channel that carries events
    subscriber: Answer | None
    reply: Answer | None
    dead_letter: Answer | None  # its own, else the channel's

    def answer(self, name: str) -> Answer | None:
        """By the name of a field."""
        return {"subscriber": self.subscriber, "reply": self.reply}.get(name, self.dead_letter)


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what a Subscription's status says; the channel's controller reads it from there."""
    if isinstance(world.channel, Unresolved):
        text = f"Failed to get Spec.Channel or backing channel: {world.channel.why}"
        late = Condition("ReferencesResolved", "Unknown", CHANNEL_FAILED, text)
        note = Note(CHANNEL_FAILED, text, "Warning")
        return Plan(status=_status(world, late, physical=None), notes=(note,))
    for name, reason, path in FIELDS:
        found = world.answer(name)
        if isinstance(found, Unresolved):
            text = f"Failed to resolve {path}: {found.why}"
            failed = Condition("ReferencesResolved", "False", reason, text)
            note = Note(reason, text, "Warning")
            return Plan(status=_status(world, failed, physical=None), notes=(note,))
    resolved = Condition("ReferencesResolved", "True")
    added, ready = added_to(world.channel, world.subscription), ready_by(world.channel, world.subscription)
    return Plan(status=_status(world, resolved, added, ready, physical=physical_of(world)))


def physical_of(world: World) -> dict[str, str]:
    """The addresses of what the Subscription names, as its status has them."""
    out: dict[str, str] = {}
    for name, _, _ in FIELDS:
        found = world.answer(name)
        if isinstance(found, Address):
            fields = {f"{name}Uri": found.url, f"{name}CACerts": found.ca, f"{name}Audience": found.audience}
            out |= {k: v for k, v in fields.items() if v}
    return out


def added_to(channel: Json, subscription: Json) -> Condition:
    """AddedToChannel: the channel's specification has this very generation."""
    uid, generation = _key(subscription)
    for row in (channel.get("spec") or {}).get("subscribers") or ():
        if row.get("uid") == uid and row.get("generation") == generation:
            return Condition("AddedToChannel", "True")
    return Condition("AddedToChannel", "Unknown")


def ready_by(channel: Json, subscription: Json) -> Condition:
    """ChannelReady: what the channel's status says of the Subscription.

    Source: checkChannelStatusForSubscription.
    """
    uid, generation = _key(subscription)
    rows = (channel.get("status") or {}).get("subscribers") or ()
    row = next((r for r in rows if r.get("uid") == uid and r.get("observedGeneration") == generation), None)
    if row is None:
        names = subscription["metadata"]["name"], channel["metadata"]["name"]
        text = f'subscription "{names[0]}" not present in channel "{names[1]}" subscriber\'s list'
        return Condition("ChannelReady", "Unknown", NOT_MARKED, f"Failed to get subscription status: {text}")
    if row.get("ready") == "True":
        return Condition("ChannelReady", "True")
    said = f": {row['message']}" if row.get("message") else ""
    status: Truth = "False" if row.get("ready") == "False" else "Unknown"
    text = f"Subscription marked by Channel as {status}{said}"
    return Condition("ChannelReady", status, NOT_MARKED, text)


def _key(subscription: Json) -> tuple[str, int]:
    meta = subscription["metadata"]
    return meta["uid"], meta.get("generation", 0)


def _status(world: World, *found: Condition, physical: dict[str, str] | None) -> dict[str, Any]:
    """The status; addresses stay as they were while something cannot be resolved."""
    before = (world.subscription.get("status") or {}).get("physicalSubscription")
    kept = physical if physical is not None else before
    rows = conditions(TYPES, *found, IDENTITY)
    return {"conditions": rows, **({"physicalSubscription": kept} if kept else {})}
