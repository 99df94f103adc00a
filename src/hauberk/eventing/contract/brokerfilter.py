"""What broker-filter is told: the triggers, by path, with their filters and subscribers. Pure."""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, is_deleting
from hauberk.eventing.names import BROKER, FILTER_ROLE, TRIGGER
from hauberk.eventing.trigger.make import path_of
from hauberk.events.contract import Egress, Resource, Target
from hauberk.events.roles import Role
from hauberk.kinds.eventing.broker import CLASS, MT_CHANNEL
from hauberk.kinds.eventing.delivery import delivery_of
from hauberk.ports import Snapshot


def resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """One resource for each Trigger whose subscriber has an address."""
    found = (make_resource(trigger, snapshot) for trigger in snapshot.list(TRIGGER))
    return tuple(row for row in found if row is not None)


def make_resource(trigger: Json, snapshot: Snapshot) -> Resource | None:
    """One Trigger, with one egress. None while its subscriber is not resolved, or for another class."""
    meta, status = trigger["metadata"], trigger.get("status") or {}
    broker = snapshot.get(Ref(BROKER, meta["namespace"], trigger["spec"]["broker"]))
    subscriber = target_of(status, "subscriber")
    if is_deleting(trigger) or subscriber is None or broker is None:
        return None
    if annotations_of(broker).get(CLASS) != MT_CHANNEL:
        return None
    said = trigger["spec"].get("delivery") or (broker.get("spec") or {}).get("delivery")
    egress = Egress(
        uid=meta["uid"],
        namespace=meta["namespace"],
        name=meta["name"],
        subscriber=subscriber,
        filters=filters_of(trigger),
        delivery=delivery_of(said),
    )
    return Resource(
        uid=meta["uid"],
        kind="Trigger",
        namespace=meta["namespace"],
        name=meta["name"],
        generation=meta.get("generation", 0),
        path=path_of(trigger),
        egresses=(egress,),
        settings={"broker": trigger["spec"]["broker"]},
    )


def filters_of(trigger: Json) -> tuple[dict[str, Any], ...]:
    """The trigger's filters: `filters` when it has some, else the attributes of `filter`.

    Source: knative/eventing pkg/broker/filter/filter_handler.go, createSubscriptionsAPIFilters.
    """
    spec = trigger.get("spec") or {}
    if spec.get("filters"):
        return tuple(dict(item) for item in spec["filters"])
    attributes = (spec.get("filter") or {}).get("attributes")
    return ({"attributes": dict(attributes)},) if attributes else ()


def target_of(status: Json, name: str) -> Target | None:
    """An address in a status or a channel's specification: `NAMEUri`, `NAMECACerts`, `NAMEAudience`."""
    url = status.get(f"{name}Uri")
    if not url:
        return None
    rest = {"ca": status.get(f"{name}CACerts"), "audience": status.get(f"{name}Audience")}
    return Target(url=url, **{k: v for k, v in rest.items() if v})


ROLE = Role(name=FILTER_ROLE, resources=resources, reads=(TRIGGER, BROKER), wakes={TRIGGER: "trigger"})
