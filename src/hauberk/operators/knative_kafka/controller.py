"""KnativeKafka: a status that tells the truth until the Kafka components are built."""

from __future__ import annotations

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, Ref
from hauberk.engine.plan import Controller, Plan
from hauberk.operators.names import KAFKA
from hauberk.ports import Snapshot

NOT_BUILT = (
    "The Kafka broker, channel, source and sink are not built for the embedded cluster yet: "
    "nothing was installed"
)


def observe(snapshot: Snapshot, ref: Ref) -> Json | None:
    """Read one KnativeKafka."""
    return snapshot.get(ref)


def plan(kafka: Json, now: float) -> Plan:  # noqa: ARG001
    """Say that nothing is installed."""
    rows = (
        Condition("DeploymentsAvailable", "False", "NotBuilt", NOT_BUILT),
        Condition("InstallSucceeded", "False", "NotBuilt", NOT_BUILT),
        Condition("Ready", "False", "NotBuilt", NOT_BUILT),
    )
    return Plan(status={"conditions": [row.as_json() for row in rows]})


CONTROLLER: Controller[Json] = Controller(name="knative-kafka", kind=KAFKA, observe=observe, plan=plan)
