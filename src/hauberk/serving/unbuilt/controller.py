"""Kinds that nothing acts on yet. Their status says so, so that nobody waits for them in vain."""

from __future__ import annotations

from hauberk.base.conditions import Condition, ready
from hauberk.base.refs import Json, Ref
from hauberk.engine.plan import Controller, Plan
from hauberk.ports import Snapshot
from hauberk.serving.names import CERTIFICATE

REASON = "NotImplemented"
MESSAGES = {
    CERTIFICATE: "Certificates do not act yet: nothing issues one",
}


def observe(snapshot: Snapshot, ref: Ref) -> Json | None:
    """The object itself."""
    return snapshot.get(ref)


def plan(world: Json, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Say that the kind does not act."""
    kind = f"{world['kind']}.{world['apiVersion'].partition('/')[0]}"
    part = Condition("Implemented", "False", REASON, MESSAGES[kind])
    return Plan(status={"conditions": [c.as_json() for c in (part, ready([part]))]})


CONTROLLERS: tuple[Controller[Json], ...] = tuple(
    Controller(name=name, kind=kind, observe=observe, plan=plan)
    for name, kind in (("certificate", CERTIFICATE),)
)
