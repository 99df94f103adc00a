"""Wiring of KnativeEventing."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.kinds.knative_operator.knative_eventing import NAMESPACE
from hauberk.operators.knative_eventing.plan import World, plan
from hauberk.operators.knative_eventing.rbac import role_refs
from hauberk.operators.names import DEPLOYMENT, EVENTING, NETWORK_POLICY
from hauberk.ports import Snapshot

PING_SOURCE = "PingSource.sources.knative.dev"


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one KnativeEventing and the state of its Deployments."""
    eventing = snapshot.get(ref)
    if eventing is None:
        return None
    found = {(NAMESPACE, d["metadata"]["name"]): d for d in snapshot.list(DEPLOYMENT, NAMESPACE)}
    return World(eventing=eventing, deployments=found, has_pings=bool(snapshot.list(PING_SOURCE)))


def wake_for_pings(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:  # noqa: ARG001 - a Wakes
    """The first PingSource needs an adapter, the last one takes it along."""
    yield from map(ref_of, snapshot.list(EVENTING))


def finalize(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Take along what no owner does."""
    return Plan(gone=role_refs() if world.eventing["metadata"]["namespace"] == NAMESPACE else ())


CONTROLLER: Controller[World] = Controller(
    name="knative-eventing",
    kind=EVENTING,
    owns=("ConfigMap", "Service", "ServiceAccount", DEPLOYMENT, NETWORK_POLICY),
    wakes={PING_SOURCE: wake_for_pings},
    observe=observe,
    plan=plan,
    finalize=finalize,
)
