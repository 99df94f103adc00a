"""KafkaSource sources.knative.dev/v1: records of topics as events.

Source: knative-extensions/eventing-kafka-broker control-plane/pkg/apis/sources/v1/kafka_{types,defaults,
validation}.go and pkg/apis/bindings/v1/kafka_types.go.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json, labels_of
from hauberk.kinds.eventing.parts import (
    DeliverySpec,
    Destination,
    changed,
    check_delivery,
    check_destination,
    default_destination,
)
from hauberk.kinds.eventing.stored import AGE, READY
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import invalid, missing

KEY_TYPE = "kafkasources.sources.knative.dev/key-type"
KEY_TYPES = ("string", "int", "float", "byte-array")
OFFSETS = ("earliest", "latest")
ORDERS = ("ordered", "unordered")


class SecretKey(Part, frozen=True):
    """One key of a Secret."""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class SecretValue(Part, frozen=True):
    """A value that a Secret of the source's namespace holds."""

    secret_key_ref: SecretKey | None = None


class Sasl(Part, frozen=True):
    """Name and password. `type` holds the mechanism: PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512."""

    enable: bool = False
    user: SecretValue | None = None
    password: SecretValue | None = None
    type: SecretValue | None = None


class Tls(Part, frozen=True):
    """TLS, with a client certificate when `cert` and `key` are given."""

    enable: bool = False
    cert: SecretValue | None = None
    key: SecretValue | None = None
    ca_cert: SecretValue | None = None


class Net(Part, frozen=True):
    """How to log in at the Kafka cluster."""

    sasl: Sasl | None = None
    tls: Tls | None = None


class Overrides(Part, frozen=True):
    """Attributes that every event gets."""

    extensions: dict[str, str] | None = None


class KafkaSourceSpec(Part, frozen=True):
    """Which topics, as which consumer group, where to."""

    topics: tuple[str, ...] = ()
    bootstrap_servers: tuple[str, ...] = ()
    consumer_group: Annotated[
        str, Meta(description="Default: knative-kafka-source- and the source's uid.")
    ] = ""
    consumers: Annotated[
        int | None, Meta(description="Consumers of the group, per dispatcher; default 1.")
    ] = None
    initial_offset: Annotated[str, Meta(description="`latest` (default) or `earliest`.")] = ""
    ordering: Annotated[str | None, Meta(description="`ordered` (default) or `unordered`.")] = None
    delivery: DeliverySpec | None = None
    net: Net | None = None
    sink: Destination | None = None
    ce_overrides: Overrides | None = None


class KafkaSource(Part, frozen=True):
    """Sends the records of Kafka topics to a sink, as events."""

    metadata: ObjectMeta
    spec: KafkaSourceSpec = KafkaSourceSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Consumers, initial offset, ordering, and the namespace of the sink."""
    spec = raw.get("spec")
    if isinstance(spec, dict):
        for key, value in (("consumers", 1), ("initialOffset", "latest"), ("ordering", "ordered")):
            if spec.get(key) in (None, ""):
                spec[key] = value
        namespace = (raw.get("metadata") or {}).get("namespace")
        default_destination(raw, namespace, "spec", "sink")
        default_destination(raw, namespace, "spec", "delivery", "deadLetterSink")
    return raw


def validate(source: KafkaSource) -> FieldErrors:
    """What a source must have."""
    for error in _check(source.spec):
        yield error.under("spec")
    key_type = (source.metadata.labels or {}).get(KEY_TYPE)
    if key_type is not None and key_type not in KEY_TYPES:
        yield invalid(key_type, f"metadata.labels[{KEY_TYPE}]")


def _check(spec: KafkaSourceSpec) -> FieldErrors:
    if not any(spec.topics):
        yield missing("topics")
    if not any(spec.bootstrap_servers):
        yield missing("bootstrapServers")
    if spec.consumers is not None and spec.consumers < 0:
        yield invalid(spec.consumers, "consumers")
    if spec.initial_offset not in ("", *OFFSETS):
        yield invalid(spec.initial_offset, "initialOffset")
    if spec.ordering not in (None, *ORDERS):
        yield invalid(spec.ordering, "ordering")
    if spec.sink is None:
        yield missing("sink")
    else:
        yield from (e.under("sink") for e in check_destination(spec.sink))
    yield from (e.under("delivery") for e in check_delivery(spec.delivery))


def validate_update(old: Json, new: Json) -> FieldErrors:
    """The consumer group of a source stays what it was."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    yield from changed(
        {"consumerGroup": before.get("consumerGroup")}, {"consumerGroup": after.get("consumerGroup")}
    )


def key_type_of(source: Json) -> str:
    """How keys of records that are no events are read."""
    return labels_of(source).get(KEY_TYPE, "")


def group_of(source: Json) -> str:
    """The consumer group of a source.

    Deviation: upstream's webhook writes one with a random UUID into the spec; here it has the source's uid.
    """
    said = (source.get("spec") or {}).get("consumerGroup")
    return str(said or f"knative-kafka-source-{source['metadata'].get('uid', '')}")


KIND = Kind(
    group="sources.knative.dev",
    name="KafkaSource",
    plural="kafkasources",
    model=KafkaSource,
    versions=("v1", "v1beta1"),
    validate=validate,
    validate_update=validate_update,
    default=default,
    columns=(
        Column("Topics", ".spec.topics"),
        Column("BootstrapServers", ".spec.bootstrapServers"),
        *READY,
        AGE,
    ),
    categories=("all", "knative", "sources"),
)
