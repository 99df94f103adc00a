"""InMemoryChannel → its Service; the dispatcher's readiness and what it took into the status. Pure.

Source: knative/eventing pkg/reconciler/inmemorychannel/controller/inmemorychannel.go;
pkg/apis/messaging/v1/in_memory_channel_lifecycle.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, condition
from hauberk.base.refs import Json, controller_of
from hauberk.engine.plan import Plan
from hauberk.eventing.broker.plan import dead_letter_sink
from hauberk.eventing.inmemorychannel.make import host_of, make_service
from hauberk.eventing.names import DISPATCHER_SERVICE, conditions, internal_error, kept
from hauberk.eventing.served import served
from hauberk.events.roles import Acked
from hauberk.kinds.eventing.addressable import Answer

TYPES = (
    "Addressable", "ChannelServiceReady", "DeadLetterSinkResolved", "EndpointsReady", "EventPoliciesReady",
    "ServiceReady",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one InMemoryChannel may depend on."""

    channel: Json
    deployment: Json | None  # the dispatcher's
    service: Json | None  # the dispatcher's
    endpoints: bool
    own_service: Json | None
    dead_letter: Answer | None
    policies: tuple[Condition, list[dict[str, str]]]
    acked: Acked | None  # about the channel
    subscribers: Mapping[str, Acked | None]  # about each subscriber, by uid


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one InMemoryChannel, and what its status says."""
    child = make_service(world.channel)
    meta = world.channel["metadata"]
    if world.own_service is not None and not _is_own(world):
        place, name = f"{meta['namespace']}/{meta['name']}", child["metadata"]["name"]
        text = f'Channel Service failed: inmemorychannel: {place} does not own Service: "{name}"'
        foreign = Condition("ChannelServiceReady", "False", "ChannelServiceFailed", text)
        rows = conditions(TYPES, *_dispatcher(world), foreign)
        return Plan(status={"conditions": rows}, notes=(internal_error(text),))
    found = [*_dispatcher(world)]
    if any(c.status == "False" for c in found if not c.severity):
        rows = conditions(TYPES, *found, before=world.channel)
        stays = kept(world.channel, "address", "policies")
        return Plan(children=(child,), status={**stays, "conditions": rows, **_subscribers(world)})
    sink, resolved = dead_letter_sink(world.dead_letter)
    found += [
        Condition("ChannelServiceReady", "True"),
        Condition("Addressable", "True"),
        resolved,
        world.policies[0],
    ]
    notes = (internal_error(resolved.message),) if resolved.status == "False" else ()
    status: dict[str, Any] = {
        "conditions": conditions(TYPES, *found),
        "address": {"name": "http", "url": f"http://{host_of(world.channel)}"},
        **sink,
        **_subscribers(world),
        **({"policies": world.policies[1]} if world.policies[1] else {}),
    }
    return Plan(children=(child,), status=status, notes=notes)


def _dispatcher(world: World) -> Iterator[Condition]:
    """DispatcherReady (which does not count for Ready), ServiceReady, EndpointsReady."""
    if world.deployment is None:
        text = "Dispatcher Deployment does not exist"
        yield Condition("DispatcherReady", "False", "DispatcherDeploymentDoesNotExist", text, "Info")
    else:
        yield _of_deployment(condition(world.deployment, "Available"))
    if world.service is None:
        text = "Dispatcher Service does not exist"
        yield Condition("ServiceReady", "False", "DispatcherServiceDoesNotExist", text)
        return
    yield Condition("ServiceReady", "True")
    if not world.endpoints:
        text = "There are no endpoints ready for Dispatcher service"
        yield Condition("EndpointsReady", "False", "DispatcherEndpointsNotReady", text)
    else:
        yield served("EndpointsReady", DISPATCHER_SERVICE, world.acked, 0)


def _of_deployment(row: Json | None) -> Condition:
    status = (row or {}).get("status", "Unknown")
    if status == "True":
        return Condition("DispatcherReady", "True", severity="Info")
    said = f"{(row or {}).get('reason', '')} : {(row or {}).get('message', '')}"
    text = f"The status of Dispatcher Deployment is {status}: {said}"
    return Condition("DispatcherReady", status, f"DispatcherDeployment{status}", text, "Info")


def _subscribers(world: World) -> dict[str, Any]:
    """What the channel says of each subscriber in its specification.

    | acknowledged                                  | ready                        |
    |-----------------------------------------------|------------------------------|
    | with a problem                                | False, with the problem      |
    | the channel at this generation, or a later    | True                         |
    | an older one, the subscriber was ready before | True                         |
    | otherwise                                     | Unknown                      |
    """
    generation = world.channel["metadata"].get("generation", 0)
    before = {
        (row.get("uid"), row.get("observedGeneration"))
        for row in (world.channel.get("status") or {}).get("subscribers") or ()
        if row.get("ready") == "True"
    }
    rows = []
    for row in (world.channel.get("spec") or {}).get("subscribers") or ():
        acked, key = world.subscribers.get(row["uid"]), (row["uid"], row.get("generation", 0))
        out = {"uid": key[0], "observedGeneration": key[1]}
        if acked is not None and acked.problem:
            rows.append({**out, "ready": "False", "message": acked.problem})
        elif acked is not None and (acked.generation >= generation or key in before):
            rows.append({**out, "ready": "True"})
        else:
            text = f"{DISPATCHER_SERVICE} has not taken it yet"
            rows.append({**out, "ready": "Unknown", "message": text})
    return {"subscribers": rows} if rows else {}


def _is_own(world: World) -> bool:
    owner = controller_of(world.own_service) if world.own_service else None
    return owner is not None and owner["uid"] == world.channel["metadata"]["uid"]
