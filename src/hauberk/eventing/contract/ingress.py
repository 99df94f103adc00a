"""What broker-ingress is told: the brokers, by path, and the channel that takes their events. Pure."""

from __future__ import annotations

from hauberk.base.refs import Json, annotations_of, is_deleting
from hauberk.eventing.names import A_CHANNEL_ADDRESS, BROKER, INGRESS_ROLE
from hauberk.events.contract import Resource, Target
from hauberk.events.roles import Role
from hauberk.kinds.eventing.broker import CLASS, MT_CHANNEL
from hauberk.ports import Snapshot


def resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """One resource for each Broker of class MTChannelBasedBroker whose channel has an address."""
    found = map(make_resource, snapshot.list(BROKER))
    return tuple(row for row in found if row is not None)


def make_resource(broker: Json) -> Resource | None:
    """One Broker; None while its channel has no address."""
    meta, status = broker["metadata"], broker.get("status") or {}
    channel = (status.get("annotations") or {}).get(A_CHANNEL_ADDRESS)
    if is_deleting(broker) or not channel or annotations_of(broker).get(CLASS) != MT_CHANNEL:
        return None
    return Resource(
        uid=meta["uid"],
        kind="Broker",
        namespace=meta["namespace"],
        name=meta["name"],
        generation=meta.get("generation", 0),
        path=f"/{meta['namespace']}/{meta['name']}",
        target=Target(url=channel),
    )


ROLE = Role(
    name=INGRESS_ROLE,
    resources=resources,
    reads=(BROKER,),
    wakes={BROKER: "broker"},
)
