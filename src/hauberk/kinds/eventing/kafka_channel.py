"""KafkaChannel messaging.knative.dev/v1beta1: a channel that is a topic.

Source: knative-extensions/eventing-kafka-broker
control-plane/pkg/apis/messaging/v1beta1/kafka_channel_{types,defaults,validation}.go.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.eventing.parts import (
    DeliverySpec,
    changed,
    check_delivery,
    default_destination,
    parse_period_s,
)
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import invalid

RETENTION = "PT168H"
_ONCE = ("numPartitions", "replicationFactor", "retentionDuration")


class KafkaChannelSpec(Part, frozen=True):
    """The topic's shape. `subscribers` is the Subscriptions' business."""

    num_partitions: Annotated[int, Meta(description="Default 1.")] = 1
    replication_factor: Annotated[int, Meta(description="Default 1.")] = 1
    retention_duration: Annotated[str, Meta(description="ISO 8601; how long the topic keeps events.")] = (
        RETENTION
    )
    delivery: DeliverySpec | None = None
    subscribers: tuple[dict[str, Any], ...] = ()


class KafkaChannel(Part, frozen=True):
    """A channel whose events are kept in a Kafka topic."""

    metadata: ObjectMeta
    spec: KafkaChannelSpec = KafkaChannelSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """One partition, one replica, a week. A channel also says which channelable it is."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        for key, value in (("numPartitions", 1), ("replicationFactor", 1), ("retentionDuration", RETENTION)):
            if spec.get(key) in (None, "", 0):
                spec[key] = value
        default_destination(
            raw, (raw.get("metadata") or {}).get("namespace"), "spec", "delivery", "deadLetterSink"
        )
    meta = raw.get("metadata")
    if isinstance(meta, dict):
        annotations = {**(meta.get("annotations") or {})}
        annotations.setdefault("messaging.knative.dev/subscribable", "v1")
        meta["annotations"] = annotations
    return raw


def validate(channel: KafkaChannel) -> FieldErrors:
    """Sizes that Kafka takes."""
    spec = channel.spec
    for value, name in (
        (spec.num_partitions, "numPartitions"),
        (spec.replication_factor, "replicationFactor"),
    ):
        if value <= 0:
            yield invalid(value, name).under("spec")
    try:
        parse_period_s(spec.retention_duration)
    except ValueError:
        yield invalid(spec.retention_duration, "retentionDuration").under("spec")
    yield from (e.under("delivery").under("spec") for e in check_delivery(spec.delivery))


def validate_update(old: Json, new: Json) -> FieldErrors:
    """The topic of a channel stays what it was."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    yield from changed({k: before.get(k) for k in _ONCE}, {k: after.get(k) for k in _ONCE})


KIND = Kind(
    group="messaging.knative.dev",
    name="KafkaChannel",
    plural="kafkachannels",
    model=KafkaChannel,
    versions=("v1beta1",),
    validate=validate,
    validate_update=validate_update,
    default=default,
    columns=(URL, AGE, *READY),
    short_names=("kc",),
    categories=("all", "knative", "messaging", "channel"),
)
