"""ServerlessService → public and private Service, and the public one's Endpoints. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, ready
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.serving.names import QUEUE_H2C, QUEUE_HTTP, internal_error
from hauberk.serving.serverlessservice.make import (
    Address,
    is_h2c,
    make_addressable,
    make_endpoints,
    make_private,
    make_public,
    private_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one ServerlessService may depend on."""

    sks: Json
    selector: Mapping[str, str]  # of the scaled Deployment; empty when there is none
    pods: tuple[Address, ...]  # ready endpoints of the private Service
    activators: tuple[Address, ...]  # ready endpoints of the activator's Service
    foreign: str = ""  # kind and name of somebody else's object that has one of the names
    pod_addressable: bool = False


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide where the public Service leads.

    | mode  | ready pods | the public Service leads to |
    |-------|------------|-----------------------------|
    | Serve | some       | the pods                    |
    | Serve | none       | the activator               |
    | Proxy | any        | the activator               |

    Source: knative/serving pkg/reconciler/serverlessservice/serverlessservice.go.
    """
    if world.foreign:
        kind, _, name = world.foreign.partition(" ")
        text = f"Resource {name} of type {kind} is not owned by SKS"
        row = Condition("EndpointsPopulated", "False", "NotOwned", text)
        said = internal_error(f"SKS: {world.sks['metadata']['name']} does not own {kind}: {name}")
        return Plan(status={"conditions": [c.as_json() for c in (row, ready([row]))]}, notes=(said,))
    proxied = world.sks["spec"].get("mode") != "Serve" or not world.pods
    port = QUEUE_H2C if is_h2c(world.sks) else QUEUE_HTTP
    addresses = _subset(world) if proxied else world.pods
    children = [
        make_private(world.sks, world.selector),
        make_public(world.sks),
        make_endpoints(world.sks, addresses, port),
    ]
    if world.pod_addressable:
        children += make_addressable(world.sks)
    return Plan(children=tuple(children), status=_status(world, proxied))


def _subset(world: World) -> tuple[Address, ...]:
    """The activators that carry this revision.

    Deviation: the first in address order; upstream picks them by consistent hashing of the revision.
    """
    wanted = int(world.sks["spec"].get("numActivators") or 0) or len(world.activators)
    return tuple(sorted(world.activators))[:wanted]


def _status(world: World, proxied: bool) -> dict[str, Any]:
    """Source: knative/networking pkg/apis/networking/v1alpha1/serverlessservice_lifecycle.go."""
    if world.pods:
        populated = Condition("EndpointsPopulated", "True")
    else:
        populated = Condition(
            "EndpointsPopulated", "Unknown", "NoHealthyBackends", "K8s Service is not ready"
        )
    backed = Condition(
        "ActivatorEndpointsPopulated",
        "True" if proxied else "False",
        "ActivatorEndpointsPopulated",
        "Revision is backed by Activator",
        "Info",
    )
    rows = (backed, populated, ready([populated]))
    return {
        "conditions": [c.as_json() for c in rows],
        "serviceName": world.sks["metadata"]["name"],
        "privateServiceName": private_name(world.sks),
    }
