"""The roles of Kafka's data plane as rows."""

from __future__ import annotations

from hauberk.events.roles import Role
from hauberk.kafka import contract
from hauberk.kafka.names import (
    BROKER,
    BROKER_DISPATCHER,
    BROKER_RECEIVER,
    CHANNEL,
    CHANNEL_DISPATCHER,
    CHANNEL_RECEIVER,
    CONTROLLER_ROLE,
    SINK,
    SINK_RECEIVER,
    SOURCE,
    SOURCE_DISPATCHER,
    TRIGGER,
)

_LOGIN = ("ConfigMap", "Secret")
_TARGETS = (
    "Service", "Service.serving.knative.dev", "Route.serving.knative.dev", "Channel.messaging.knative.dev",
    "InMemoryChannel.messaging.knative.dev", "Sequence.flows.knative.dev", "Parallel.flows.knative.dev",
    "JobSink.sinks.knative.dev", BROKER, CHANNEL, SINK,
)  # fmt: skip
_ALL = {SINK: "kafka-sink", SOURCE: "kafka-source", CHANNEL: "kafka-channel", BROKER: "kafka-broker"}

ROLES: tuple[Role, ...] = (
    Role(
        name=CONTROLLER_ROLE,
        resources=contract.topics,
        reads=(BROKER, CHANNEL, SINK, SOURCE, *_LOGIN),
        wakes=_ALL,
        restless=True,
    ),
    Role(name=SINK_RECEIVER, resources=contract.sinks, reads=(SINK, *_LOGIN), wakes={SINK: _ALL[SINK]}),
    Role(
        name=SOURCE_DISPATCHER,
        resources=contract.sources,
        reads=(SOURCE, *_LOGIN, *_TARGETS),
        restless=True,
        wakes={SOURCE: _ALL[SOURCE]},
    ),
    Role(
        name=CHANNEL_RECEIVER,
        resources=contract.channel_ingress,
        reads=(CHANNEL, *_LOGIN),
        wakes={CHANNEL: _ALL[CHANNEL]},
    ),
    Role(
        name=CHANNEL_DISPATCHER,
        resources=contract.channel_egress,
        reads=(CHANNEL, *_LOGIN, *_TARGETS),
        restless=True,
        wakes={CHANNEL: _ALL[CHANNEL]},
    ),
    Role(
        name=BROKER_RECEIVER,
        resources=contract.broker_ingress,
        reads=(BROKER, *_LOGIN),
        wakes={BROKER: _ALL[BROKER]},
    ),
    Role(
        name=BROKER_DISPATCHER,
        resources=contract.broker_egress,
        reads=(BROKER, TRIGGER, *_LOGIN, *_TARGETS),
        restless=True,
        wakes={TRIGGER: "kafka-trigger"},
    ),
)
