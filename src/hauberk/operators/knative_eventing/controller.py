"""Wiring of KnativeEventing."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.kinds.knative_operator.knative_eventing import NAMESPACE
from hauberk.operators.knative_eventing.plan import World, plan
from hauberk.operators.names import DEPLOYMENT, EVENTING, NETWORK_POLICY
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one KnativeEventing and the state of its Deployments."""
    eventing = snapshot.get(ref)
    if eventing is None:
        return None
    found = {(NAMESPACE, d["metadata"]["name"]): d for d in snapshot.list(DEPLOYMENT, NAMESPACE)}
    return World(eventing=eventing, deployments=found)


CONTROLLER: Controller[World] = Controller(
    name="knative-eventing",
    kind=EVENTING,
    owns=("ConfigMap", "Service", "ServiceAccount", DEPLOYMENT, NETWORK_POLICY),
    observe=observe,
    plan=plan,
)
