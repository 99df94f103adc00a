"""Wiring of the Sequence controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.flows.parts import OWNS, stored_of
from hauberk.eventing.flows.sequence.plan import World, plan
from hauberk.kinds.eventing.sequence import KIND
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Sequence and its children."""
    sequence = snapshot.get(ref)
    if sequence is None:
        return None
    return World(sequence=sequence, stored=stored_of(snapshot, sequence))


CONTROLLER: Controller[World] = Controller(
    name="sequence", kind=KIND.id, owns=OWNS, observe=observe, plan=plan
)
