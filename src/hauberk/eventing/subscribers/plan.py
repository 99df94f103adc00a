"""Subscriptions → the `spec.subscribers` of the channel that carries their events. Pure.

Source: knative/eventing pkg/reconciler/subscription/subscription.go, syncPhysicalChannel, deliverySpec.
Deviation: upstream's Subscription controller patches the channel once a Subscription; here the channel's list
is made whole from all of them, so nothing is lost between two writers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, is_deleting, ref_of
from hauberk.engine.plan import Plan

_URIS = (("subscriberUri", "subscriber"), ("replyUri", "reply"))
_OPTIONS = ("retry", "backoffPolicy", "backoffDelay", "timeout", "retryAfterMax", "format")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A channel and the Subscriptions whose events it carries."""

    channel: Json
    subscriptions: Sequence[Json]


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Write the list when it differs."""
    stored = list((world.channel.get("spec") or {}).get("subscribers") or ())
    wanted = subscribers_of(world.channel, world.subscriptions)
    if stored == wanted:
        return Plan()
    return Plan(patches=((ref_of(world.channel), {"spec": {"subscribers": wanted}}),))


def subscribers_of(channel: Json, subscriptions: Sequence[Json]) -> list[dict[str, Any]]:
    """The list, oldest Subscription first. One that was never resolved is not in it."""
    rows = []
    for subscription in sorted(subscriptions, key=_age):
        physical = (subscription.get("status") or {}).get("physicalSubscription") or {}
        if not is_deleting(subscription) and (physical.get("subscriberUri") or physical.get("replyUri")):
            rows.append(subscriber_of(channel, subscription, physical))
    return rows


def _age(subscription: Json) -> tuple[str, str]:
    meta = subscription["metadata"]
    return str(meta.get("creationTimestamp", "")), str(meta["uid"])


def subscriber_of(channel: Json, subscription: Json, physical: Json) -> dict[str, Any]:
    """One row."""
    meta = subscription["metadata"]
    row: dict[str, Any] = {
        "uid": meta["uid"],
        "generation": (subscription.get("status") or {}).get("observedGeneration", meta.get("generation", 0)),
        "name": meta["name"],
    }
    for field, name in _URIS:
        for key in (field, f"{name}CACerts", f"{name}Audience"):
            if physical.get(key):
                row[key] = physical[key]
    delivery = delivery_of(channel, subscription, physical)
    return {**row, **({"delivery": delivery} if delivery else {})}


def delivery_of(channel: Json, subscription: Json, physical: Json) -> dict[str, Any]:
    """The Subscription's delivery, or the channel's where it has none, with the sink's address."""
    own = (subscription.get("spec") or {}).get("delivery")
    said = own if own is not None else (channel.get("spec") or {}).get("delivery") or {}
    out = {k: said[k] for k in _OPTIONS if said.get(k) is not None}
    if physical.get("deadLetterSinkUri"):
        fields = (
            ("uri", "deadLetterSinkUri"),
            ("CACerts", "deadLetterSinkCACerts"),
            ("audience", "deadLetterSinkAudience"),
        )
        out["deadLetterSink"] = {name: physical[key] for name, key in fields if physical.get(key)}
    return out
