"""Parallel → an ingress channel, and for each branch a channel and two Subscriptions; their state back. Pure.

```
sender ─► NAME-kn-parallel ─┬─► filter 0 ─answer─► NAME-kn-parallel-0 ─► subscriber 0 ─answer─► reply
                            └─► filter 1 ─answer─► NAME-kn-parallel-1 ─► subscriber 1 ─answer─► reply
```

A branch's reply is its own, else the Parallel's. Without a filter the first Subscription has a reply
only: the event itself goes there.

Source: knative/eventing pkg/reconciler/parallel/parallel.go, resources/{channel,subscription}.go;
pkg/apis/flows/v1/parallel_lifecycle.go.
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
_UNADDRESSED = {
    "type": "Ready",
    "status": "False",
    "reason": "NotAddressable",
    "message": "Channel is not addressable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Parallel may depend on."""

    parallel: Json
    stored: Stored


@dataclass(frozen=True, slots=True)
class Branch:
    """The children of one branch."""

    channel: Json
    filtering: Json
    subscribing: Json


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what a Parallel consists of and what its status says."""
    parallel = world.parallel
    meta, spec = parallel["metadata"], parallel["spec"]
    template = spec["channelTemplate"]
    if not is_known(template):
        text = f"channels of kind {template.get('kind')} ({template.get('apiVersion')}) are not known here"
        late = Condition("ChannelsReady", "False", "ChannelKindUnknown", text)
        return Plan(status={"conditions": conditions(TYPES, late)}, notes=(internal_error(text),))
    ingress = make_channel(template, f"{meta['name']}-kn-parallel", meta["namespace"])
    branches = [make_branch(parallel, ingress, i) for i in range(len(spec["branches"]))]
    wanted = (ingress, *(o for b in branches for o in (b.channel, b.filtering, b.subscribing)))
    return Plan(children=appliable(wanted, world.stored), status=_status(world, ingress, branches))


def make_branch(parallel: Json, ingress: Json, number: int) -> Branch:
    """The channel of a branch, what fills it, and what it feeds."""
    meta, spec = parallel["metadata"], parallel["spec"]
    said, name, namespace = spec["branches"][number], meta["name"], meta["namespace"]
    channel = make_channel(spec["channelTemplate"], f"{name}-kn-parallel-{number}", namespace)
    filtering = make_subscription(
        f"{name}-kn-parallel-filter-{number}",
        namespace,
        ingress,
        subscriber=said.get("filter"),
        reply=destination_of(channel),
    )
    subscribing = make_subscription(
        f"{name}-kn-parallel-{number}",
        namespace,
        channel,
        subscriber=said["subscriber"],
        reply=said.get("reply") or spec.get("reply"),
        delivery=said.get("delivery"),
    )
    return Branch(channel, filtering, subscribing)


def _status(world: World, ingress: Json, branches: list[Branch]) -> dict[str, Any]:
    entry = _channel_status(world, ingress)
    rows = [
        {
            "filterChannelStatus": _channel_status(world, b.channel),
            "filterSubscriptionStatus": _subscription_status(world, b.filtering),
            "subscriberSubscriptionStatus": _subscription_status(world, b.subscribing),
        }
        for b in branches
    ]
    channels = [entry["ready"], *(r["filterChannelStatus"]["ready"] for r in rows)]
    heard = [
        r[k]["ready"] for r in rows for k in ("filterSubscriptionStatus", "subscriberSubscriptionStatus")
    ]
    address = address_of(world.stored.get(ref_of(ingress)))
    found = (
        Condition("Addressable", "True")
        if address
        else Condition("Addressable", "False", "emptyAddress", "addressable is nil"),
        _state("Channels", all_true(channels)),
        _state("Subscriptions", all_true(heard)),
    )
    return {
        "conditions": conditions(TYPES, *found),
        "ingressChannelStatus": entry,
        "branchStatuses": rows,
        **({"address": dict(address)} if address else {}),
    }


def _channel_status(world: World, channel: Json) -> dict[str, Any]:
    address = address_of(world.stored.get(ref_of(channel)))
    ready = {"type": "Ready", "status": "True"} if address else _UNADDRESSED
    return {"channel": object_reference(channel), "ready": dict(ready)}


def _subscription_status(world: World, subscription: Json) -> dict[str, Any]:
    row = ready_row(world.stored.get(ref_of(subscription)), "Subscription")
    return {"subscription": object_reference(subscription), "ready": row}


def _state(what: str, ready: bool) -> Condition:
    if ready:
        return Condition(f"{what}Ready", "True")
    text = f"{what} are not ready yet, or there are none"
    return Condition(f"{what}Ready", "False", f"{what}NotReady", text)
