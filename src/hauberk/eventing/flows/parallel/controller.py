"""Wiring of the Parallel controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.flows.parallel.plan import World, plan
from hauberk.eventing.flows.parts import OWNS, stored_of
from hauberk.kinds.eventing.parallel import KIND
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Parallel and its children."""
    parallel = snapshot.get(ref)
    if parallel is None:
        return None
    return World(parallel=parallel, stored=stored_of(snapshot, parallel))


CONTROLLER: Controller[World] = Controller(
    name="parallel", kind=KIND.id, owns=OWNS, observe=observe, plan=plan
)
