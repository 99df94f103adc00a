"""KafkaSink eventing.knative.dev/v1alpha1: a topic as a place to send events to.

Source: knative-extensions/eventing-kafka-broker control-plane/pkg/apis/eventing/v1alpha1/kafka_sink_{types,
defaults,validation}.go.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.eventing.parts import changed
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import invalid, missing

MODES = ("binary", "structured")


class SecretName(Part, frozen=True):
    """A Secret by name."""

    name: str = ""


class SecretRef(Part, frozen=True):
    """Where the credentials are."""

    ref: SecretName | None = None


class SinkAuth(Part, frozen=True):
    """How to log in at the Kafka cluster."""

    secret: Annotated[
        SecretRef | None,
        Meta(description="protocol, sasl.mechanism, user, password, ca.crt, user.crt, user.key, user.skip."),
    ] = None


class KafkaSinkSpec(Part, frozen=True):
    """Which topic, and how events are written to it."""

    topic: str = ""
    bootstrap_servers: Annotated[
        tuple[str, ...], Meta(description="Brokers to begin with, as host:port.")
    ] = ()
    num_partitions: Annotated[
        int | None, Meta(description="With replicationFactor: the topic is made, and deleted with the sink.")
    ] = None
    replication_factor: int | None = None
    content_mode: Annotated[str | None, Meta(description="`binary` (default) or `structured`.")] = None
    auth: SinkAuth | None = None


class KafkaSink(Part, frozen=True):
    """A Kafka topic that events can be sent to over HTTP."""

    metadata: ObjectMeta
    spec: KafkaSinkSpec = KafkaSinkSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """The content mode."""
    spec = raw.get("spec")
    if isinstance(spec, dict):
        spec.setdefault("contentMode", MODES[0])
    return raw


def validate(sink: KafkaSink) -> FieldErrors:
    """What a sink must have."""
    spec = sink.spec
    if not spec.topic:
        yield missing("topic").under("spec")
    if not any(spec.bootstrap_servers):
        yield missing("bootstrapServers").under("spec")
    if (spec.num_partitions is None) != (spec.replication_factor is None):
        unset = "numPartitions" if spec.num_partitions is None else "replicationFactor"
        yield invalid("both or none", unset).under("spec")
    for value, name in (
        (spec.num_partitions, "numPartitions"),
        (spec.replication_factor, "replicationFactor"),
    ):
        if value is not None and value <= 0:
            yield invalid(value, name).under("spec")
    if spec.content_mode not in (None, *MODES):
        yield invalid(spec.content_mode, "contentMode").under("spec")


def validate_update(old: Json, new: Json) -> FieldErrors:
    """The topic of a sink stays what it was."""
    yield from changed(
        old.get("spec") or {}, new.get("spec") or {}, "bootstrapServers", "contentMode", "auth"
    )


KIND = Kind(
    group="eventing.knative.dev",
    name="KafkaSink",
    plural="kafkasinks",
    model=KafkaSink,
    versions=("v1alpha1",),
    validate=validate,
    validate_update=validate_update,
    default=default,
    columns=(URL, AGE, *READY),
    categories=("all", "knative", "eventing"),
)
