"""JobSink → its address and status. The Jobs are the job-sink's work, by its contract. Pure.

Source: knative/eventing pkg/reconciler/jobsink/jobsink.go; pkg/apis/sinks/v1alpha1/job_sink_lifecycle.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.eventing.names import SYSTEM, conditions
from hauberk.eventing.served import served
from hauberk.events.roles import Acked
from hauberk.kinds.eventing.addressable import service_host

ROLE = "job-sink"
SERVICE = "job-sink"
ADDRESSABLE = "Addressable"
L_NAME = "sinks.knative.dev/job-sink-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one JobSink may depend on."""

    sink: Json
    acked: Acked | None  # what the job-sink says of it
    policies: Condition
    applied: Sequence[Json] = field(default_factory=tuple)


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what a JobSink's status says."""
    meta = world.sink["metadata"]
    state = served(ADDRESSABLE, ROLE, world.acked, meta.get("generation", 0))
    status: dict[str, Any] = {
        "conditions": conditions((ADDRESSABLE,), state, world.policies),
        "address": {"name": "http", "url": url_of(world.sink)},
        "job": {"selector": f"{L_NAME}={meta['name']}"},
    }
    if world.applied:
        status["policies"] = list(world.applied)
    return Plan(status=status)


def path_of(sink: Json) -> str:
    """The path that leads to this JobSink."""
    meta = sink["metadata"]
    return f"/{meta['namespace']}/{meta['name']}"


def url_of(sink: Json) -> str:
    """Where events for this JobSink go."""
    return f"http://{service_host(SERVICE, SYSTEM)}{path_of(sink)}"
