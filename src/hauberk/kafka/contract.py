"""What each Kafka role serves, derived from the API objects. Pure.

An object whose cluster or credentials are not known is left out; its ConfigParsed says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, is_deleting
from hauberk.events.contract import Delivery, Egress, Resource, Target
from hauberk.kafka import access
from hauberk.kafka.access import Access, Cluster, Refused
from hauberk.kafka.conditions import topics_generation
from hauberk.kafka.names import (
    BROKER,
    BROKER_CLASS,
    CHANNEL,
    CLASSES,
    DELIVERY_ORDER,
    SINK,
    SOURCE,
    TRIGGER,
    broker_topic,
    channel_topic,
    external_topic,
    host,
    path_of,
    subscriber_group,
    trigger_group,
)
from hauberk.kinds.eventing.addressable import Address, resolve
from hauberk.kinds.eventing.delivery import delivery_of
from hauberk.kinds.eventing.kafka_source import group_of, key_type_of
from hauberk.kinds.eventing.parts import parse_period_s
from hauberk.ports import Index, Snapshot

# Source: control-plane/pkg/reconciler/source/source.go, DefaultEgressConfig
SOURCE_DELIVERY = {"retry": 10, "backoffPolicy": "exponential", "backoffDelay": "PT10S"}
TRIGGERS_BY_BROKER = Index(
    TRIGGER,
    lambda obj: (f"{obj['metadata'].get('namespace', '')}/{(obj.get('spec') or {}).get('broker', '')}",),
)


def is_kafka_broker(broker: Json) -> bool:
    """Whether the Broker is of a Kafka class."""
    return annotations_of(broker).get(BROKER_CLASS) in CLASSES


def owns_topic(sink: Json) -> bool:
    """Whether a KafkaSink's topic is made and deleted with it."""
    spec = sink.get("spec") or {}
    return spec.get("numPartitions") is not None and spec.get("replicationFactor") is not None


def topics_of_brokers(snapshot: Snapshot) -> Iterator[Resource]:
    """What kafka-controller does for Kafka Brokers."""
    for broker in filter(is_kafka_broker, snapshot.list(BROKER)):
        found = access.of_broker(broker, snapshot)
        wanted = "there" if external_topic(broker) else "made"
        yield from _topics(BROKER, broker, found, [broker_topic(broker, snapshot)], wanted)


def topics(snapshot: Snapshot) -> tuple[Resource, ...]:
    """Everything that kafka-controller does."""
    out = list(topics_of_brokers(snapshot))
    for channel in snapshot.list(CHANNEL):
        found = access.of_channel(snapshot)
        if isinstance(found, Cluster):
            found = _channel_shape(channel, found)
        out += _topics(CHANNEL, channel, found, [channel_topic(channel, snapshot)], "made")
    for sink in snapshot.list(SINK):
        names = [str(sink["spec"].get("topic", ""))]
        wanted = "made" if owns_topic(sink) else "there"
        out += _topics(SINK, sink, access.of_sink(sink, snapshot), names, wanted)
    for source in snapshot.list(SOURCE):
        names = list(source["spec"].get("topics") or ())
        out += _topics(SOURCE, source, access.of_source(source, snapshot), names, "there")
    return tuple(out)


def _channel_shape(channel: Json, cluster: Cluster) -> Cluster:
    spec = channel.get("spec") or {}
    try:
        retention = parse_period_s(str(spec.get("retentionDuration") or "PT168H"))
    except ValueError:
        retention = 604_800.0
    config = {"retention.ms": str(int(retention * 1000))}
    partitions, replication = int(spec.get("numPartitions") or 1), int(spec.get("replicationFactor") or 1)
    return Cluster(cluster.kafka, partitions, replication, config)


def _topics(kind: str, obj: Json, found: Access, names: list[str], wanted: str) -> Iterator[Resource]:
    if isinstance(found, Refused) or (is_deleting(obj) and wanted == "there"):
        return
    settings: dict[str, Any] = {"kafka": dict(found.kafka), "topics": names, "wanted": wanted}
    if is_deleting(obj):
        settings["wanted"] = "gone"
    elif wanted == "made":
        settings["partitions"], settings["replication"] = found.partitions, found.replication
        settings["config"] = dict(found.topic_config)
    yield _resource(kind, obj, settings, generation=topics_generation(obj))


def _resource(kind: str, obj: Json, settings: Mapping[str, Any], **more: Any) -> Resource:
    meta = obj["metadata"]
    fields = {"generation": int(meta.get("generation") or 0), **more}
    return Resource(
        uid=meta["uid"],
        kind=kind.partition(".")[0],
        namespace=meta["namespace"],
        name=meta["name"],
        settings=dict(settings),
        **fields,
    )


def sinks(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What kafka-sink-receiver takes events for."""
    out = []
    for sink in _living(snapshot.list(SINK)):
        found = access.of_sink(sink, snapshot)
        if isinstance(found, Cluster):
            spec = sink["spec"]
            settings = {"kafka": dict(found.kafka), "topic": spec["topic"]}
            settings["mode"] = spec.get("contentMode") or "binary"
            out.append(_resource(SINK, sink, settings, path=path_of(sink)))
    return tuple(out)


def sources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What kafka-source-dispatcher reads."""
    out = []
    for source in _living(snapshot.list(SOURCE)):
        found, meta, spec = access.of_source(source, snapshot), source["metadata"], source["spec"]
        target = resolve(spec.get("sink") or {}, meta["namespace"], snapshot)
        if not isinstance(found, Cluster) or not isinstance(target, Address):
            continue
        egress = Egress(
            uid=meta["uid"],
            namespace=meta["namespace"],
            name=meta["name"],
            subscriber=target.target,
            delivery=_delivery(
                {**SOURCE_DELIVERY, **(spec.get("delivery") or {})}, meta["namespace"], snapshot
            ),
            attributes=dict((spec.get("ceOverrides") or {}).get("extensions") or {}),
            ordered=spec.get("ordering") != "unordered",
            settings={
                "group": group_of(source),
                "initial": spec.get("initialOffset") or "latest",
                "consumers": 1 if spec.get("consumers") is None else spec["consumers"],
                "source": f"/apis/v1/namespaces/{meta['namespace']}/kafkasources/{meta['name']}",
                "key_type": key_type_of(source),
            },
        )
        settings = {"kafka": dict(found.kafka), "topics": list(spec["topics"])}
        out.append(_resource(SOURCE, source, settings, egresses=(egress,)))
    return tuple(out)


def channel_ingress(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What kafka-channel-receiver takes events for."""
    return tuple(_channels(snapshot, with_egresses=False))


def channel_egress(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What kafka-channel-dispatcher reads."""
    return tuple(_channels(snapshot, with_egresses=True))


def _channels(snapshot: Snapshot, *, with_egresses: bool) -> Iterator[Resource]:
    found = access.of_channel(snapshot)
    if isinstance(found, Refused):
        return
    for channel in _living(snapshot.list(CHANNEL)):
        topic, kafka = channel_topic(channel, snapshot), dict(found.kafka)
        if with_egresses:
            settings = {"kafka": kafka, "topics": [topic]}
            yield _resource(CHANNEL, channel, settings, egresses=tuple(_subscribers(channel, snapshot)))
        else:
            hosts = (host(f"{channel['metadata']['name']}-kn-channel", channel["metadata"]["namespace"]),)
            settings = {"kafka": kafka, "topic": topic}
            yield _resource(CHANNEL, channel, settings, hosts=hosts, path=path_of(channel))


def _subscribers(channel: Json, snapshot: Snapshot) -> Iterator[Egress]:
    """In order; delivery is the subscription's, else the channel's. Source: getSubscriberConfig."""
    spec, namespace = channel.get("spec") or {}, channel["metadata"]["namespace"]
    for row in spec.get("subscribers") or ():
        reply = row.get("replyUri")
        subscriber = row.get("subscriberUri")
        if not subscriber and not reply:
            continue
        delivery = {**(spec.get("delivery") or {}), **(row.get("delivery") or {})}
        yield Egress(
            uid=str(row["uid"]),
            namespace=namespace,
            name=str(row.get("name") or row["uid"]),
            subscriber=Target(url=subscriber or reply, ca=row.get("subscriberCACerts") or ""),
            reply=Target(url=reply, ca=row.get("replyUriCACerts") or "") if reply and subscriber else None,
            delivery=_delivery(delivery, namespace, snapshot),
            ordered=True,
            settings={"group": subscriber_group(channel, str(row["uid"])), "initial": "latest"},
        )


def broker_ingress(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What kafka-broker-receiver takes events for."""
    out = []
    for broker in _living(filter(is_kafka_broker, snapshot.list(BROKER))):
        found = access.of_broker(broker, snapshot)
        if isinstance(found, Cluster):
            settings = {"kafka": dict(found.kafka), "topic": broker_topic(broker, snapshot)}
            out.append(_resource(BROKER, broker, settings, path=path_of(broker)))
    return tuple(out)


def broker_egress(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What kafka-broker-dispatcher reads: a consumer group for each Trigger."""
    out = []
    for broker in _living(filter(is_kafka_broker, snapshot.list(BROKER))):
        found = access.of_broker(broker, snapshot)
        if isinstance(found, Refused):
            continue
        topic = broker_topic(broker, snapshot)
        settings = {"kafka": dict(found.kafka), "topics": [topic]}
        key = f"{broker['metadata']['namespace']}/{broker['metadata']['name']}"
        for trigger in _living(snapshot.find(TRIGGERS_BY_BROKER, key)):
            egresses = tuple(_trigger(trigger, broker, topic, snapshot))
            out.append(_resource(TRIGGER, trigger, settings, egresses=egresses))
    return tuple(out)


def _trigger(trigger: Json, broker: Json, topic: str, snapshot: Snapshot) -> Iterator[Egress]:
    meta, spec = trigger["metadata"], trigger["spec"]
    target = resolve(spec.get("subscriber") or {}, meta["namespace"], snapshot)
    if not isinstance(target, Address):
        return
    attributes = (spec.get("filter") or {}).get("attributes") or {}
    given = spec.get("filters") or ([{"attributes": dict(attributes)}] if attributes else [])
    delivery = spec.get("delivery") or (broker.get("spec") or {}).get("delivery")
    yield Egress(
        uid=meta["uid"],
        namespace=meta["namespace"],
        name=meta["name"],
        subscriber=target.target,
        filters=tuple(given),
        delivery=_delivery(delivery, meta["namespace"], snapshot),
        ordered=annotations_of(trigger).get(DELIVERY_ORDER) == "ordered",
        settings={"group": trigger_group(trigger, snapshot), "initial": "latest", "reply_topic": topic},
    )


def _delivery(spec: Json | None, home: str, snapshot: Snapshot) -> Delivery:
    sink = (spec or {}).get("deadLetterSink")
    found = resolve(sink, home, snapshot) if sink else None
    return delivery_of(spec, found.target if isinstance(found, Address) else None)


def _living(objects: Iterable[Json]) -> Iterator[Json]:
    return (obj for obj in objects if not is_deleting(obj))


def find_trigger_broker(trigger: Json, snapshot: Snapshot) -> Json | None:
    """The Broker of a Trigger, when it is a Kafka one."""
    ref = Ref(BROKER, trigger["metadata"]["namespace"], (trigger.get("spec") or {}).get("broker", ""))
    broker = snapshot.get(ref)
    return broker if broker is not None and is_kafka_broker(broker) else None
