"""Wiring of the Kafka kinds: what each controller reads, and what wakes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, kind_of, labels_of, ref_of
from hauberk.engine.plan import Controller, Wakes
from hauberk.events.roles import Serves
from hauberk.kafka import access
from hauberk.kafka.access import Access
from hauberk.kafka.conditions import seen
from hauberk.kafka.contract import TRIGGERS_BY_BROKER, find_trigger_broker, is_kafka_broker
from hauberk.kafka.names import (
    BROKER,
    BROKER_DISPATCHER,
    BROKER_RECEIVER,
    CHANNEL,
    CHANNEL_DISPATCHER,
    CHANNEL_RECEIVER,
    SINK,
    SINK_RECEIVER,
    SOURCE,
    SOURCE_DISPATCHER,
    SYSTEM,
    TRIGGER,
    broker_topic,
    channel_topic,
    trigger_group,
)
from hauberk.kafka.plans import (
    TriggerWorld,
    World,
    gone,
    plan_broker,
    plan_channel,
    plan_sink,
    plan_source,
    plan_trigger,
)
from hauberk.kafka.reach import CONTROL_PLANE, ROLE_LABEL, SERVICE_ENTRY
from hauberk.kinds.eventing.addressable import Answer, ref_of_reference, refs_of_destinations, resolve
from hauberk.ports import Index, Snapshot

ADDRESSABLES = (
    "Service", "Service.serving.knative.dev", "Route.serving.knative.dev", BROKER, CHANNEL, SINK,
    "Channel.messaging.knative.dev", "InMemoryChannel.messaging.knative.dev", "Sequence.flows.knative.dev",
    "Parallel.flows.knative.dev", "JobSink.sinks.knative.dev",
)  # fmt: skip
DEPENDENCY = "knative.dev/dependency"
Observe = Callable[[Snapshot, Ref], World | None]


def _spec(obj: Json) -> Json:
    return obj.get("spec") or {}


def _dead_letter_of(obj: Json) -> Json | None:
    found: Json | None = (_spec(obj).get("delivery") or {}).get("deadLetterSink")
    return found


def _destinations(obj: Json) -> Iterator[str]:
    spec, home = _spec(obj), str(obj["metadata"].get("namespace", ""))
    rows = (spec.get("sink"), spec.get("subscriber"), _dead_letter_of(obj))
    yield from map(str, refs_of_destinations(home, *rows))


NAMED_BY = {kind: Index(kind, _destinations) for kind in (BROKER, CHANNEL, SOURCE, TRIGGER)}


def _wake_named(kind: str) -> Wakes:
    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        yield from map(ref_of, snapshot.find(NAMED_BY[kind], str(ref_of(changed))))

    return wake


def _wake_all(kind: str, matters: Callable[[Json], bool] = lambda _: True) -> Wakes:
    """Wakes every Kafka object of a kind; there are few of them, and these changes are rare."""

    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        if matters(changed):
            for obj in snapshot.list(kind):
                if kind != BROKER or is_kafka_broker(obj):
                    yield ref_of(obj)

    return wake


def _is_component(pod: Json) -> bool:
    return pod["metadata"].get("namespace") == SYSTEM and ROLE_LABEL in labels_of(pod)


def _common(kind: str) -> dict[str, Wakes]:
    rows: dict[str, Wakes] = {
        "Pod": _wake_all(kind, _is_component),
        "Secret": _wake_all(kind),
        CONTROL_PLANE: _wake_all(kind),
        SERVICE_ENTRY: _wake_all(kind),
    }
    if kind in (BROKER, CHANNEL):
        rows["ConfigMap"] = _wake_all(kind)
    return rows


def _resolved(destination: Json | None, home: str, snapshot: Snapshot) -> Answer | None:
    return resolve(destination, home, snapshot) if destination else None


def _sink(serves: Serves) -> Observe:
    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        obj = snapshot.get(ref)
        if obj is None:
            return None
        found = seen(obj, access.of_sink(obj, snapshot), (SINK_RECEIVER,), snapshot, serves)
        return World(seen=found, topics=(str(_spec(obj).get("topic", "")),))

    return observe


def _source(serves: Serves) -> Observe:
    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        obj = snapshot.get(ref)
        if obj is None:
            return None
        spec = _spec(obj)
        consumers = spec.get("consumers")
        return World(
            seen=seen(obj, access.of_source(obj, snapshot), (SOURCE_DISPATCHER,), snapshot, serves),
            topics=tuple(spec.get("topics") or ()),
            sink=resolve(spec.get("sink") or {}, ref.namespace, snapshot),
            consumers=1 if consumers is None else int(consumers),
        )

    return observe


def _channel(serves: Serves) -> Observe:
    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        obj = snapshot.get(ref)
        if obj is None:
            return None
        roles = (CHANNEL_RECEIVER, CHANNEL_DISPATCHER)
        rows = _spec(obj).get("subscribers") or ()
        return World(
            seen=seen(obj, access.of_channel(snapshot), roles, snapshot, serves),
            topics=(channel_topic(obj, snapshot),),
            dead_letter=_resolved(_dead_letter_of(obj), ref.namespace, snapshot),
            subscribers=tuple((row, serves(CHANNEL_DISPATCHER, str(row["uid"]))) for row in rows),
        )

    return observe


def _broker(serves: Serves) -> Observe:
    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        obj = snapshot.get(ref)
        if obj is None or not is_kafka_broker(obj):
            return None
        found: Access = access.of_broker(obj, snapshot)
        return World(
            seen=seen(obj, found, (BROKER_RECEIVER, BROKER_DISPATCHER), snapshot, serves),
            topics=(broker_topic(obj, snapshot),),
            dead_letter=_resolved(_dead_letter_of(obj), ref.namespace, snapshot),
        )

    return observe


def _trigger(serves: Serves) -> Callable[[Snapshot, Ref], TriggerWorld | None]:
    def observe(snapshot: Snapshot, ref: Ref) -> TriggerWorld | None:
        trigger = snapshot.get(ref)
        broker = find_trigger_broker(trigger, snapshot) if trigger is not None else None
        if trigger is None or broker is None:
            return None
        sink = _dead_letter_of(trigger) or _dead_letter_of(broker)
        return TriggerWorld(
            trigger=trigger,
            broker=broker,
            subscriber=resolve(_spec(trigger).get("subscriber") or {}, ref.namespace, snapshot),
            dead_letter=_resolved(sink, ref.namespace, snapshot),
            acked=serves(BROKER_DISPATCHER, trigger["metadata"]["uid"]),
            group=trigger_group(trigger, snapshot),
            dependency=_dependency(trigger, snapshot),
        )

    return observe


def _dependency(trigger: Json, snapshot: Snapshot) -> tuple[bool, Json | None]:
    text = annotations_of(trigger).get(DEPENDENCY)
    if not text:
        return False, None
    try:
        reference = json.loads(text)
    except ValueError:
        return True, None
    return True, snapshot.get(ref_of_reference(reference, trigger["metadata"]["namespace"]))


def _wake_triggers(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    meta = changed["metadata"]
    if kind_of(changed) == BROKER and is_kafka_broker(changed):
        yield from map(ref_of, snapshot.find(TRIGGERS_BY_BROKER, f"{meta['namespace']}/{meta['name']}"))
    yield from _wake_named(TRIGGER)(changed, snapshot)


def controllers(serves: Serves) -> tuple[Controller[Any], ...]:
    """Every controller of this room. `serves` knows what the data plane acknowledged."""

    def named(kind: str) -> dict[str, Wakes]:
        return dict.fromkeys(ADDRESSABLES, _wake_named(kind))

    return (
        Controller(
            name="kafka-sink",
            kind=SINK,
            observe=_sink(serves),
            plan=plan_sink,
            finalize=gone,
            wakes=_common(SINK),
        ),
        Controller(
            name="kafka-source",
            kind=SOURCE,
            observe=_source(serves),
            plan=plan_source,
            wakes={**named(SOURCE), **_common(SOURCE)},
        ),
        Controller(
            name="kafka-channel",
            kind=CHANNEL,
            owns=("Service",),
            observe=_channel(serves),
            plan=plan_channel,
            finalize=gone,
            wakes={**{k: v for k, v in named(CHANNEL).items() if k != "Service"}, **_common(CHANNEL)},
        ),
        Controller(
            name="kafka-broker",
            kind=BROKER,
            observe=_broker(serves),
            plan=plan_broker,
            finalize=gone,
            wakes={**named(BROKER), **_common(BROKER)},
        ),
        Controller(
            name="kafka-trigger",
            kind=TRIGGER,
            observe=_trigger(serves),
            plan=plan_trigger,
            wakes={**dict.fromkeys((*ADDRESSABLES, SOURCE), _wake_triggers)},
        ),
    )
