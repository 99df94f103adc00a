"""KnativeKafka operator.serverless.openshift.io/v1alpha1: what an admin may say about Kafka for Knative.

Source: openshift-knative/serverless-operator knative-operator/pkg/apis/operator/v1alpha1/
  knativekafka_types.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds import placeholders
from hauberk.kinds.knative_operator.knative_serving import COLUMNS
from hauberk.kinds.knative_operator.overrides import HighAvailability, Overrides, unknown_names
from hauberk.kinds.meta import Kind, ObjectMeta, Part

NAMESPACE = "knative-eventing"
WORKLOADS = (
    "kafka-controller", "kafka-broker-receiver", "kafka-broker-dispatcher", "kafka-channel-receiver",
    "kafka-channel-dispatcher", "kafka-source-dispatcher", "kafka-sink-receiver",
)  # fmt: skip
CONFIGS = ("config-kafka-features", "kafka-broker-config", "kafka-channel-config")


class Switch(Part, frozen=True):
    """Whether a part is installed."""

    enabled: bool = False


class BrokerDefaults(Part, frozen=True):
    """The default configuration of Brokers of class Kafka."""

    bootstrap_servers: Annotated[str, Meta(description="Brokers to begin with, `host:port,…`.")] = ""
    num_partitions: Annotated[int, Meta(description="Of a broker's topic; default 10.")] = 10
    replication_factor: Annotated[int, Meta(description="Of a broker's topic; default 3.")] = 3
    auth_secret_name: Annotated[str, Meta(description="A Secret of knative-eventing with credentials.")] = ""


class KafkaBroker(Part, frozen=True):
    """Brokers of class Kafka. `sink` belongs beside `broker`; here it counts all the same."""

    enabled: bool = False
    default_config: BrokerDefaults = BrokerDefaults()
    sink: Switch | None = None


class KafkaChannels(Part, frozen=True):
    """KafkaChannels, and the cluster of them all."""

    enabled: bool = False
    bootstrap_servers: str = ""
    auth_secret_namespace: str = ""
    auth_secret_name: str = ""


class KafkaSpec(Part, frozen=True, rename={"high_availability": "high-availability"}):
    """Which parts are installed, and how."""

    broker: KafkaBroker = KafkaBroker()
    channel: KafkaChannels = KafkaChannels()
    source: Switch = Switch()
    sink: Switch = Switch()
    workloads: Overrides = ()
    config: dict[str, dict[str, Any]] | None = None
    high_availability: HighAvailability | None = None

    __inert__ = ("logging", "monitoring")


class KnativeKafka(Part, frozen=True):
    """An installation of the Kafka broker, channel, source and sink."""

    metadata: ObjectMeta
    spec: KafkaSpec = KafkaSpec()
    status: dict[str, Any] | None = None


def has_sink(spec: KafkaSpec) -> bool:
    """Whether KafkaSink is on, at its place or below `broker`, where the document has it."""
    return spec.sink.enabled or bool(spec.broker.sink and spec.broker.sink.enabled)


def strict(raw: Json) -> FieldErrors:
    """The document's `sink` under `broker`, and placeholders that were left in.

    A real cluster refuses an unknown field under kubectl's strict validation, and prunes it without:
    then KafkaSink stays off. A lenient embedded cluster takes it as meant, and warns.
    """
    broker = (raw.get("spec") or {}).get("broker") or {}
    if "sink" in broker:
        yield FieldError(
            "spec.broker.sink",
            "unknown field on a real cluster, where KafkaSink stays off. It belongs one level higher: "
            "`spec.sink.enabled: true`, beside `broker`, not below it",
        )
    yield from placeholders.left_in(raw)


def advice(raw: Json) -> Iterator[str]:
    """Overrides and ConfigMaps that name nothing; parts without brokers to connect to."""
    yield from unknown_names(raw, WORKLOADS, CONFIGS)
    spec = raw.get("spec") or {}
    channel, broker = spec.get("channel") or {}, spec.get("broker") or {}
    if channel.get("enabled") and not channel.get("bootstrapServers"):
        yield "spec.channel.bootstrapServers: not set; no KafkaChannel becomes ready without it"
    if broker.get("enabled") and not (broker.get("defaultConfig") or {}).get("bootstrapServers"):
        yield (
            "spec.broker.defaultConfig.bootstrapServers: not set; a Broker of class Kafka needs a "
            "configuration of its own then"
        )


KIND = Kind(
    group="operator.serverless.openshift.io",
    name="KnativeKafka",
    plural="knativekafkas",
    model=KnativeKafka,
    versions=("v1alpha1",),
    strict=strict,
    advice=advice,
    columns=COLUMNS,
)
