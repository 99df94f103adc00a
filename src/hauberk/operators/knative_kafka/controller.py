"""Wiring of KnativeKafka."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller
from hauberk.kinds.knative_operator.knative_kafka import NAMESPACE
from hauberk.operators.knative_kafka.plan import World, plan
from hauberk.operators.names import DEPLOYMENT, EVENTING, KAFKA
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one KnativeKafka and the state of its Deployments."""
    kafka = snapshot.get(ref)
    if kafka is None:
        return None
    found = {(NAMESPACE, d["metadata"]["name"]): d for d in snapshot.list(DEPLOYMENT, NAMESPACE)}
    return World(kafka=kafka, deployments=found, eventing=bool(snapshot.list(EVENTING, NAMESPACE)))


def wake(_: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """Every KnativeKafka, when Knative Eventing comes or goes."""
    yield from map(ref_of, snapshot.list(KAFKA))


CONTROLLER: Controller[World] = Controller(
    name="knative-kafka",
    kind=KAFKA,
    owns=("ConfigMap", "Service", "ServiceAccount", DEPLOYMENT),
    wakes={EVENTING: wake},
    observe=observe,
    plan=plan,
)
