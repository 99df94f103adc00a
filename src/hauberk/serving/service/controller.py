"""Wiring of the Service controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.ports import Snapshot
from hauberk.serving.configuration.make import is_latest
from hauberk.serving.names import CONFIGURATION, REVISION, ROUTE, SERVICE
from hauberk.serving.service.plan import World, plan, template_name


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Service and its two children."""
    service = snapshot.get(ref)
    if service is None:
        return None
    configuration = snapshot.get(Ref(CONFIGURATION, ref.namespace, ref.name))
    name = template_name(service)
    named = snapshot.get(Ref(REVISION, ref.namespace, name)) if name == template_name(configuration) else None
    return World(
        service=service,
        configuration=configuration,
        route=snapshot.get(Ref(ROUTE, ref.namespace, ref.name)),
        name_taken=bool(configuration and named and not is_latest(named, configuration)),
    )


CONTROLLER: Controller[World] = Controller(
    name="service-serving",
    kind=SERVICE,
    owns=(CONFIGURATION, ROUTE),
    observe=observe,
    plan=plan,
)
