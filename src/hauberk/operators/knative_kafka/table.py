"""The workloads of Kafka for Knative as rows, by the part of KnativeKafka that brings them.

Source: knative-extensions/eventing-kafka-broker control-plane/config and data-plane/config.
Deviation: upstream's dispatchers are StatefulSets that a scheduler fills; here each is a Deployment whose
pods all consume, and Kafka shares the partitions out.
"""

from __future__ import annotations

from hauberk.events.roles import LABEL as ROLE
from hauberk.operators.names import EVENTING_IMAGE
from hauberk.operators.workload import Front, Workload

PART_OF = "knative-eventing"
HEALTHZ = {"httpGet": {"path": "/healthz", "port": 8080}}
_INGRESS_PORTS = (("http-container", 80, 8080), ("http-metrics", 9090, 9090))


def _row(name: str, account: str, *, component: str, service: str = "") -> Workload:
    fronts = (Front(service, _INGRESS_PORTS, labels={"app": name}),) if service else ()
    return Workload(
        name=name,
        component=component,
        labels={"app": name},
        selector={"app": name},
        account=account,
        ports=(("http-container", 8080), ("http-metrics", 9090)),
        image=EVENTING_IMAGE,
        args=(name,),
        marks={ROLE: name},
        probe=HEALTHZ,
        fronts=fronts,
    )


CONTROLLER = _row("kafka-controller", "kafka-controller", component="kafka-controller")

PARTS: dict[str, tuple[Workload, ...]] = {
    "broker": (
        _row(
            "kafka-broker-receiver",
            "knative-kafka-broker-data-plane",
            component="kafka-broker-receiver",
            service="kafka-broker-ingress",
        ),
        _row(
            "kafka-broker-dispatcher",
            "knative-kafka-broker-data-plane",
            component="kafka-broker-dispatcher",
        ),
    ),
    "channel": (
        _row(
            "kafka-channel-receiver",
            "knative-kafka-channel-data-plane",
            component="kafka-channel-receiver",
            service="kafka-channel-ingress",
        ),
        _row(
            "kafka-channel-dispatcher",
            "knative-kafka-channel-data-plane",
            component="kafka-channel-dispatcher",
        ),
    ),
    "source": (
        _row(
            "kafka-source-dispatcher",
            "knative-kafka-source-data-plane",
            component="kafka-source-dispatcher",
        ),
    ),
    "sink": (
        _row(
            "kafka-sink-receiver",
            "knative-kafka-sink-data-plane",
            component="kafka-sink-receiver",
            service="kafka-sink-ingress",
        ),
    ),
}
