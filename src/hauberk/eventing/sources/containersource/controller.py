"""Wiring of the ContainerSource controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.names import DEPLOYMENT
from hauberk.eventing.sources.containersource.plan import World, binding_name, deployment_name, plan
from hauberk.kinds.eventing import sink_binding
from hauberk.kinds.eventing.container_source import KIND
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one ContainerSource and its children."""
    source = snapshot.get(ref)
    if source is None:
        return None
    return World(
        source=source,
        binding=snapshot.get(Ref(sink_binding.KIND.id, ref.namespace, binding_name(source))),
        deployment=snapshot.get(Ref(DEPLOYMENT, ref.namespace, deployment_name(source))),
    )


CONTROLLER: Controller[World] = Controller(
    name="containersource",
    kind=KIND.id,
    owns=(DEPLOYMENT, sink_binding.KIND.id),
    observe=observe,
    plan=plan,
)
