"""Wiring of the Service controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.ports import Snapshot
from hauberk.serving.names import CONFIGURATION, ROUTE, SERVICE
from hauberk.serving.service.plan import World, plan


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Service and its two children."""
    service = snapshot.get(ref)
    if service is None:
        return None
    return World(
        service=service,
        configuration=snapshot.get(Ref(CONFIGURATION, ref.namespace, ref.name)),
        route=snapshot.get(Ref(ROUTE, ref.namespace, ref.name)),
    )


CONTROLLER: Controller[World] = Controller(
    name="service-serving",
    kind=SERVICE,
    owns=(CONFIGURATION, ROUTE),
    observe=observe,
    plan=plan,
)
