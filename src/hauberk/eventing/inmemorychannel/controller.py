"""Wiring of the InMemoryChannel controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller
from hauberk.eventing.config.reading import FEATURES, wakes_all
from hauberk.eventing.indexes import has_endpoints, wake_for_service, wakes_of_addressables
from hauberk.eventing.inmemorychannel.make import service_name
from hauberk.eventing.inmemorychannel.plan import World, plan
from hauberk.eventing.names import (
    DEPLOYMENT,
    DISPATCHER_ROLE,
    DISPATCHER_SERVICE,
    EVENT_POLICY,
    IN_MEMORY,
    SLICE,
    SYSTEM,
)
from hauberk.eventing.policies import policies_for, policies_ready, wake_for_policy
from hauberk.events.roles import Serves
from hauberk.kinds.eventing.addressable import resolve
from hauberk.ports import Snapshot


def observer(serves: Serves) -> Callable[[Snapshot, Ref], World | None]:
    """Reads one InMemoryChannel and its dispatcher."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        channel = snapshot.get(ref)
        if channel is None:
            return None
        spec = channel.get("spec") or {}
        sink = (spec.get("delivery") or {}).get("deadLetterSink")
        return World(
            channel=channel,
            deployment=snapshot.get(Ref(DEPLOYMENT, SYSTEM, DISPATCHER_SERVICE)),
            service=snapshot.get(Ref("Service", SYSTEM, DISPATCHER_SERVICE)),
            endpoints=has_endpoints(snapshot, DISPATCHER_SERVICE),
            own_service=snapshot.get(Ref("Service", ref.namespace, service_name(ref.name))),
            dead_letter=resolve(sink, ref.namespace, snapshot) if sink else None,
            policies=policies_ready(policies_for(channel, snapshot), snapshot),
            acked=serves(DISPATCHER_ROLE, channel["metadata"]["uid"]),
            subscribers={
                row["uid"]: serves(DISPATCHER_ROLE, row["uid"]) for row in spec.get("subscribers") or ()
            },
        )

    return observe


def wake_for_deployment(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """Every channel, when the dispatcher's Deployment changes."""
    meta = changed["metadata"]
    if (meta.get("namespace"), meta["name"]) == (SYSTEM, DISPATCHER_SERVICE):
        yield from map(ref_of, snapshot.list(IN_MEMORY))


def controller(serves: Serves) -> Controller[World]:
    """The InMemoryChannel's row."""
    return Controller(
        name="inmemorychannel",
        kind=IN_MEMORY,
        owns=("Service",),
        wakes={
            **wakes_of_addressables(IN_MEMORY),
            DEPLOYMENT: wake_for_deployment,
            SLICE: wake_for_service(IN_MEMORY, DISPATCHER_SERVICE),
            "ConfigMap": wakes_all(IN_MEMORY, FEATURES),
            EVENT_POLICY: wake_for_policy(IN_MEMORY),
        },
        observe=observer(serves),
        plan=plan,
    )
