"""Sequence → a channel and a Subscription for each step, and their state back. Pure.

```
sender ─► NAME-kn-sequence-0 ─► step 0 ─answer─► NAME-kn-sequence-1 ─► step 1 ─answer─► … ─► spec.reply
```

Source: knative/eventing pkg/reconciler/sequence/sequence.go, resources/{channel,subscription}.go;
pkg/apis/flows/v1/sequence_lifecycle.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, ref_of
from hauberk.engine.plan import Plan
from hauberk.eventing.flows.parts import (
    Stored,
    address_of,
    all_true,
    appliable,
    destination_of,
    is_known,
    make_channel,
    make_subscription,
    object_reference,
    ready_row,
)
from hauberk.eventing.names import conditions, internal_error

TYPES = ("Addressable", "ChannelsReady", "SubscriptionsReady")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Sequence may depend on."""

    sequence: Json
    stored: Stored


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what a Sequence consists of and what its status says."""
    template = world.sequence["spec"]["channelTemplate"]
    if not is_known(template):
        text = f"channels of kind {template.get('kind')} ({template.get('apiVersion')}) are not known here"
        late = Condition("ChannelsReady", "False", "ChannelKindUnknown", text)
        return Plan(status={"conditions": conditions(TYPES, late)}, notes=(internal_error(text),))
    channels = _channels(world.sequence)
    subscriptions = _subscriptions(world.sequence, channels)
    children = appliable((*channels, *subscriptions), world.stored)
    return Plan(children=children, status=_status(world, channels, subscriptions))


def name_of(sequence: str, step: int) -> str:
    """The name of a step's channel and of its Subscription."""
    return f"{sequence}-kn-sequence-{step}"


def _channels(sequence: Json) -> list[dict[str, Any]]:
    meta, spec = sequence["metadata"], sequence["spec"]
    return [
        make_channel(spec["channelTemplate"], name_of(meta["name"], i), meta["namespace"])
        for i in range(len(spec["steps"]))
    ]


def _subscriptions(sequence: Json, channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    meta, spec = sequence["metadata"], sequence["spec"]
    replies = [*(destination_of(c) for c in channels[1:]), spec.get("reply")]
    return [
        make_subscription(
            name_of(meta["name"], i),
            meta["namespace"],
            channels[i],
            subscriber={k: v for k, v in step.items() if k != "delivery"},
            reply=replies[i],
            delivery=step.get("delivery"),
        )
        for i, step in enumerate(spec["steps"])
    ]


def _status(world: World, channels: list[Any], subscriptions: list[Any]) -> dict[str, Any]:
    said = [ready_row(world.stored.get(ref_of(c)), "Channel") for c in channels]
    heard = [ready_row(world.stored.get(ref_of(s)), "Subscription") for s in subscriptions]
    address = address_of(world.stored.get(ref_of(channels[0])))
    found = (
        Condition("Addressable", "True")
        if address
        else Condition("Addressable", "Unknown", "emptyAddress", "addressable is nil"),
        _state("Channels", all_true(said)),
        _state("Subscriptions", all_true(heard)),
    )
    return {
        "conditions": conditions(TYPES, *found),
        "channelStatuses": [
            {"channel": object_reference(c), "ready": row} for c, row in zip(channels, said, strict=True)
        ],
        "subscriptionStatuses": [
            {"subscription": object_reference(s), "ready": row}
            for s, row in zip(subscriptions, heard, strict=True)
        ],
        **({"address": dict(address)} if address else {}),
    }


def _state(what: str, ready: bool) -> Condition:
    if ready:
        return Condition(f"{what}Ready", "True")
    text = f"{what} are not ready yet, or there are none"
    return Condition(f"{what}Ready", "Unknown", f"{what}NotReady", text)
