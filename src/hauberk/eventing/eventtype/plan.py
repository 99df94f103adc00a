"""EventType: whether what it refers to exists. Pure.

Source: knative/eventing pkg/reconciler/eventtype/eventtype.go; pkg/apis/eventing/v1beta2/
eventtype_lifecycle.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.eventing.names import conditions

TYPES = ("ReferenceExists",)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one EventType may depend on."""

    event_type: Json
    exists: bool


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """| reference   | ReferenceExists              |.

    |-------------|------------------------------|
    | not set     | True, ReferenceNotSet        |
    | exists      | True                         |
    | absent      | False, ReferenceDoesNotExist |
    """
    if not (world.event_type.get("spec") or {}).get("reference"):
        row = Condition("ReferenceExists", "True", "ReferenceNotSet", "Reference is not set.")
    elif world.exists:
        row = Condition("ReferenceExists", "True")
    else:
        row = Condition("ReferenceExists", "False", "ReferenceDoesNotExist", "Reference does not exist")
    return Plan(status={"conditions": conditions(TYPES, row)})
