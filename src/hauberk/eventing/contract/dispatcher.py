"""What imc-dispatcher is told: the InMemoryChannels, by host, and their subscribers. Pure."""

from __future__ import annotations

from hauberk.base.refs import Json, Ref, annotations_of, controller_of, is_deleting
from hauberk.eventing.contract.brokerfilter import filters_of, target_of
from hauberk.eventing.inmemorychannel.make import host_of
from hauberk.eventing.names import DISPATCHER_ROLE, IN_MEMORY, SUBSCRIPTION, TRIGGER
from hauberk.events.contract import Egress, Resource, Target
from hauberk.events.roles import Role
from hauberk.kinds.eventing.delivery import delivery_of
from hauberk.kinds.eventing.in_memory_channel import DURABLE, ORDERED
from hauberk.ports import Snapshot


def resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """One resource for each InMemoryChannel."""
    channels = snapshot.list(IN_MEMORY)
    return tuple(make_resource(c, snapshot) for c in channels if not is_deleting(c))


def make_resource(channel: Json, snapshot: Snapshot) -> Resource:
    """One channel: events wait in its log unless hauberk.dev/durable says otherwise."""
    meta, notes = channel["metadata"], annotations_of(channel)
    ordered = notes.get(ORDERED) == "true"
    rows = (channel.get("spec") or {}).get("subscribers") or ()
    return Resource(
        uid=meta["uid"],
        kind="InMemoryChannel",
        namespace=meta["namespace"],
        name=meta["name"],
        generation=meta.get("generation", 0),
        hosts=(host_of(channel),),
        path=f"/{meta['namespace']}/{meta['name']}",
        durable=notes.get(DURABLE) != "false",
        egresses=tuple(make_egress(channel, row, snapshot, ordered=ordered) for row in rows),
    )


def make_egress(channel: Json, row: Json, snapshot: Snapshot, *, ordered: bool) -> Egress:
    """One subscriber. A trigger's filter is looked at here first: what does not pass makes no request."""
    namespace = channel["metadata"]["namespace"]
    trigger = trigger_of(row, namespace, snapshot)
    said = row.get("delivery") or {}
    return Egress(
        uid=row["uid"],
        namespace=namespace,
        name=str(row.get("name") or row["uid"]),
        subscriber=target_of(row, "subscriber"),
        reply=target_of(row, "reply"),
        filters=filters_of(trigger) if trigger is not None else (),
        delivery=delivery_of(said, dead_letter_of(said)),
        ordered=ordered or (trigger is not None and annotations_of(trigger).get(ORDERED) == "true"),
    )


def trigger_of(row: Json, namespace: str, snapshot: Snapshot) -> Json | None:
    """The Trigger that made the Subscription of a channel's subscriber."""
    subscription = snapshot.get(Ref(SUBSCRIPTION, namespace, str(row.get("name", ""))))
    if subscription is None or subscription["metadata"]["uid"] != row["uid"]:
        return None
    owner = controller_of(subscription)
    if owner is None or owner["kind"] != "Trigger":
        return None
    return snapshot.get(Ref(TRIGGER, namespace, owner["name"]))


def dead_letter_of(delivery: Json) -> Target | None:
    """The dead letter sink of a channel's subscriber, whose address is known."""
    sink = delivery.get("deadLetterSink") or {}
    if not sink.get("uri"):
        return None
    return Target(url=sink["uri"], ca=sink.get("CACerts") or "", audience=sink.get("audience") or "")


ROLE = Role(
    name=DISPATCHER_ROLE,
    resources=resources,
    reads=(IN_MEMORY, SUBSCRIPTION, TRIGGER),
    wakes={IN_MEMORY: "inmemorychannel"},
)
