"""PingSource → its status. The work is the mt-adapter's, by its contract. Pure.

Source: knative/eventing pkg/reconciler/pingsource/pingsource.go; pkg/apis/sources/v1/ping_lifecycle.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.eventing.names import conditions
from hauberk.eventing.served import served
from hauberk.eventing.sources.parts import (
    DEPLOYED,
    IDENTITY,
    SINK,
    attributes,
    availability,
    identity_created,
    sink_note,
    sink_provided,
    sink_status,
)
from hauberk.events.roles import Acked
from hauberk.kinds.eventing.addressable import Answer

ADAPTER = "pingsource-mt-adapter"
EVENT_TYPE = "dev.knative.sources.ping"
TYPES = (DEPLOYED, IDENTITY, SINK)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one PingSource may depend on."""

    source: Json
    sink: Answer
    adapter: Json | None  # the Deployment
    acked: Acked | None  # what the adapter says of this source
    features: Mapping[str, str]


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what a PingSource's status says."""
    meta = world.source["metadata"]
    provided = sink_provided(world.sink)
    found = [provided, identity_created(world.features)]
    if provided.status == "True":
        found.append(deployed(world))
    status = {
        "conditions": conditions(TYPES, *found),
        "ceAttributes": attributes(event_source(meta["namespace"], meta["name"]), EVENT_TYPE),
        **sink_status(world.sink),
    }
    return Plan(status=status, notes=sink_note(world.source, world.sink))


def deployed(world: World) -> Condition:
    """Whether the adapter runs and has this very source.

    | Deployment | Deployed                              |
    |------------|---------------------------------------|
    | not there  | Unknown or False, in its words        |
    | available  | what the adapter acknowledged         |

    Deviation: upstream looks at the Deployment only.
    """
    there = availability(world.adapter, ADAPTER)
    if there.status != "True":
        return there
    return served(DEPLOYED, ADAPTER, world.acked, world.source["metadata"].get("generation", 0))


def event_source(namespace: str, name: str) -> str:
    """The `source` of a PingSource's events. Source: PingSourceSource."""
    return f"/apis/v1/namespaces/{namespace}/pingsources/{name}"
