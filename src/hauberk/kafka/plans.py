"""From what is seen of a Kafka object to its children and status. Pure.

Source: knative-extensions/eventing-kafka-broker control-plane/pkg/reconciler/{sink,source,channel,broker,
trigger}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, condition, is_true
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.events.contract import PENDING
from hauberk.events.roles import Acked
from hauberk.kafka.access import Cluster
from hauberk.kafka.conditions import (
    Seen,
    address,
    available,
    dead_letter,
    parsed,
    rows,
    served,
    topic_ready,
    topics_generation,
)
from hauberk.kafka.contract import owns_topic
from hauberk.kafka.names import (
    BROKER_DISPATCHER,
    BROKER_RECEIVER,
    CHANNEL_DISPATCHER,
    CHANNEL_RECEIVER,
    SINK_RECEIVER,
    SOURCE_DISPATCHER,
    SYSTEM,
    TOPIC_OWNER,
    external_topic,
    host,
    path_of,
)
from hauberk.kinds.eventing.addressable import Answer, Unresolved

INGRESS = (
    "Addressable",
    "ConfigMapUpdated",
    "ConfigParsed",
    "DataPlaneAvailable",
    "ProbeSucceeded",
    "TopicReady",
)
EGRESS = ("ConfigMapUpdated", "DataPlaneAvailable", "InitialOffsetsCommitted", "SinkProvided", "TopicReady")
TRIGGER = (
    "BrokerReady",
    "DeadLetterSinkResolved",
    "DependencyReady",
    "SubscriberResolved",
    "SubscriptionReady",
)
AGAIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Kafka object may depend on."""

    seen: Seen
    topics: tuple[str, ...]
    sink: Answer | None = None
    dead_letter: Answer | None = None
    subscribers: tuple[tuple[Json, Acked | None], ...] = ()
    consumers: int = 0


def _ingress(world: World, role: str, url: str, *, made: bool) -> list[Condition]:
    """The conditions of what events are sent to."""
    seen = world.seen
    found = [available(seen), parsed(seen), topic_ready(seen, world.topics, made=made)]
    found += [served("ConfigMapUpdated", seen, role), served("ProbeSucceeded", seen, role)]
    taken = found[-1].status == "True" and bool(url)
    late = Condition("Addressable", "Unknown", "NotYetServed", f"Waiting for {role} to take it")
    return [*found, Condition("Addressable", "True") if taken else late]


def plan_sink(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """KafkaSink: an address at kafka-sink-receiver."""
    sink = world.seen.obj
    url = f"http://{host('kafka-sink-ingress', SYSTEM)}{path_of(sink)}"
    made = owns_topic(sink)
    found = _ingress(world, SINK_RECEIVER, url, made=made)
    owner = "kafkasink-controller" if made else "external"
    status = {
        "conditions": rows(INGRESS, *found),
        "annotations": {TOPIC_OWNER: owner},
        **_addressed(found, url),
    }
    return Plan(status=status)


def _addressed(found: list[Condition], url: str) -> dict[str, Any]:
    """The address, once a data plane serves it."""
    taken = any(c.type == "Addressable" and c.status == "True" for c in found)
    return address(url) if taken else {}


def plan_source(world: World, now: float) -> Plan:  # noqa: ARG001
    """KafkaSource: a consumer group of kafka-source-dispatcher."""
    seen = world.seen
    reason = parsed(seen)
    sink = Condition("SinkProvided", "True")
    fields: dict[str, Any] = {}
    if isinstance(world.sink, Unresolved):
        sink = Condition("SinkProvided", "False", "FailedToResolveSink", world.sink.why)
    elif world.sink is not None:
        fields["sinkUri"] = world.sink.url
        if world.sink.ca:
            fields["sinkCACerts"] = world.sink.ca
    acked = seen.acked.get(SOURCE_DISPATCHER)
    taken = served("ConfigMapUpdated", seen, SOURCE_DISPATCHER)
    known = Condition("ConfigMapUpdated", "True") if acked and acked.generation >= seen.generation else taken
    found = [
        available(seen),
        topic_ready(seen, world.topics, made=False),
        known,
        served("InitialOffsetsCommitted", seen, SOURCE_DISPATCHER),
        sink,
        reason if reason.status != "True" else None,
    ]
    consumers = world.consumers if taken.status == "True" else 0
    selector = "app=kafka-source-dispatcher"
    return Plan(
        status={"conditions": rows(EGRESS, *found), "consumers": consumers, "selector": selector, **fields}
    )


def plan_channel(world: World, now: float) -> Plan:  # noqa: ARG001
    """KafkaChannel: a Service that means kafka-channel-receiver; a consumer group per subscriber."""
    channel = world.seen.obj
    meta = channel["metadata"]
    service = f"{meta['name']}-kn-channel"
    url = f"http://{host(service, meta['namespace'])}"
    found = _ingress(world, CHANNEL_RECEIVER, url, made=True)
    extra, resolved = dead_letter(world.dead_letter)
    status = {
        "conditions": rows(
            (*INGRESS, "ChannelServiceReady"), *found, Condition("ChannelServiceReady", "True"), resolved
        ),
        **_addressed(found, url),
        "subscribers": [_subscriber(row, acked, world.seen) for row, acked in world.subscribers],
        **extra,
    }
    return Plan(children=(make_service(service, meta["namespace"]),), status=status)


def make_service(name: str, namespace: str) -> Json:
    """The channel's Service. Source: control-plane/pkg/reconciler/channel/resources/service.go."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"messaging.knative.dev/role": "kafka-channel"},
        },
        "spec": {
            "type": "ExternalName",
            "externalName": host("kafka-channel-ingress", SYSTEM),
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
        },
    }


def _subscriber(row: Json, acked: Acked | None, seen: Seen) -> dict[str, Any]:
    """One entry of `status.subscribers`: ready when the dispatcher consumes for it."""
    out = {"uid": row["uid"], "observedGeneration": row.get("generation", 0)}
    if acked is None or acked.generation < seen.generation:
        return {**out, "ready": "Unknown", "message": f"Waiting for {CHANNEL_DISPATCHER} to take it"}
    if acked.problem == PENDING:
        return {**out, "ready": "Unknown", "message": f"{CHANNEL_DISPATCHER} is connecting to Kafka"}
    if acked.problem:
        return {**out, "ready": "False", "message": f"Subscription not ready {acked.problem}"}
    return {**out, "ready": "True"}


def plan_broker(world: World, now: float) -> Plan:  # noqa: ARG001
    """A Kafka Broker: an address at kafka-broker-receiver."""
    seen = world.seen
    url = f"http://{host('kafka-broker-ingress', SYSTEM)}{path_of(seen.obj)}"
    made = not external_topic(seen.obj)
    found = _ingress(world, BROKER_RECEIVER, url, made=made)
    extra, resolved = dead_letter(world.dead_letter)
    notes = {"default.topic": world.topics[0]}
    if isinstance(seen.access, Cluster):
        notes["bootstrap.servers"] = seen.access.servers
        notes["default.topic.partitions"] = str(seen.access.partitions)
        notes["default.topic.replication.factor"] = str(seen.access.replication)
    status = {
        "conditions": rows(INGRESS, *found, resolved),
        "annotations": notes,
        **_addressed(found, url),
        **extra,
    }
    return Plan(status=status)


def gone(world: World, now: float) -> Plan:  # noqa: ARG001
    """While an object with a topic of its own is deleted: until kafka-controller deleted the topic.

    Without a kafka-controller nobody can: the topic stays.
    """
    seen = world.seen
    done = (
        seen.topics is not None
        and seen.topics.generation >= topics_generation(seen.obj)
        and not seen.topics.problem
    )
    if done or not seen.admin or not isinstance(seen.access, Cluster):
        return Plan()
    return Plan(retry_after=AGAIN_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerWorld:
    """All that a decision about a Trigger of a Kafka Broker may depend on."""

    trigger: Json
    broker: Json
    subscriber: Answer
    dead_letter: Answer | None
    acked: Acked | None
    group: str
    dependency: tuple[bool, Json | None]  # whether one is named, and the object


def plan_trigger(world: TriggerWorld, now: float) -> Plan:  # noqa: ARG001
    """A Trigger of a Kafka Broker: a consumer group of kafka-broker-dispatcher."""
    row = condition(world.broker, "Ready") or {}
    broker = Condition("BrokerReady", "True")
    if not is_true(world.broker):
        status = row.get("status", "Unknown")
        broker = Condition(
            "BrokerReady",
            "Unknown" if status == "True" else status,
            row.get("reason", ""),
            row.get("message", ""),
        )
    fields: dict[str, Any] = {"annotations": {"group.id": world.group}}
    found = [broker, _dependency(world), _subscribed(world)]
    if isinstance(world.subscriber, Unresolved):
        why = world.subscriber.why
        found.append(Condition("SubscriberResolved", "False", "Unable to get the Subscriber's URI", why))
    else:
        fields["subscriberUri"] = world.subscriber.url
        found.append(Condition("SubscriberResolved", "True"))
    extra, resolved = dead_letter(world.dead_letter)
    text = "No dead letter sink is configured."
    none = Condition("DeadLetterSinkResolved", "True", "DeadLetterSinkNotConfigured", text)
    return Plan(status={"conditions": rows(TRIGGER, *found, resolved or none), **fields, **extra})


def _subscribed(world: TriggerWorld) -> Condition:
    acked, wanted = world.acked, int(world.trigger["metadata"].get("generation") or 0)
    if acked is None or acked.generation < wanted:
        return Condition(
            "SubscriptionReady", "Unknown", "NotYetServed", f"Waiting for {BROKER_DISPATCHER} to take it"
        )
    if acked.problem == PENDING:
        text = f"{BROKER_DISPATCHER} is connecting to Kafka"
        return Condition("SubscriptionReady", "Unknown", "NotYetKnown", text)
    if acked.problem:
        return Condition(
            "SubscriptionReady", "False", "CannotBeServed", f"{BROKER_DISPATCHER}: {acked.problem}"
        )
    return Condition("SubscriptionReady", "True")


def _dependency(world: TriggerWorld) -> Condition:
    named, dependency = world.dependency
    if not named:
        return Condition("DependencyReady", "True")
    if dependency is None:
        return Condition("DependencyReady", "False", "DependencyDoesNotExist", "Dependency does not exist")
    if is_true(dependency):
        return Condition("DependencyReady", "True")
    row = condition(dependency, "Ready") or {}
    return Condition(
        "DependencyReady", row.get("status", "Unknown"), row.get("reason", ""), row.get("message", "")
    )
