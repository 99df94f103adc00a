"""Names that Kafka's components, topics and consumer groups have. Pure.

Source: knative-extensions/eventing-kafka-broker control-plane/pkg/apis/config/features.go,
control-plane/config/eventing-kafka-broker, control-plane/pkg/reconciler/channel/channel.go.
"""

from __future__ import annotations

import re
from typing import Final

from hauberk.base.refs import Json, Ref
from hauberk.ports import Snapshot

SYSTEM: Final = "knative-eventing"
BROKER: Final = "Broker.eventing.knative.dev"
TRIGGER: Final = "Trigger.eventing.knative.dev"
CHANNEL: Final = "KafkaChannel.messaging.knative.dev"
SOURCE: Final = "KafkaSource.sources.knative.dev"
SINK: Final = "KafkaSink.eventing.knative.dev"

CONTROLLER_ROLE: Final = "kafka-controller"
BROKER_RECEIVER: Final = "kafka-broker-receiver"
BROKER_DISPATCHER: Final = "kafka-broker-dispatcher"
CHANNEL_RECEIVER: Final = "kafka-channel-receiver"
CHANNEL_DISPATCHER: Final = "kafka-channel-dispatcher"
SOURCE_DISPATCHER: Final = "kafka-source-dispatcher"
SINK_RECEIVER: Final = "kafka-sink-receiver"

BROKER_CONFIG: Final = "kafka-broker-config"
CHANNEL_CONFIG: Final = "kafka-channel-config"
FEATURES: Final = "config-kafka-features"

BROKER_CLASS: Final = "eventing.knative.dev/broker.class"
CLASSES: Final = ("Kafka",)
EXTERNAL_TOPIC: Final = "kafka.eventing.knative.dev/external.topic"
DELIVERY_ORDER: Final = "kafka.eventing.knative.dev/delivery.order"
TOPIC_OWNER: Final = "eventing.knative.dev/topic.owner"

TEMPLATES: Final = {
    "brokers.topic.template": "knative-broker-{{ .Namespace }}-{{ .Name }}",
    "channels.topic.template": "knative-messaging-kafka.{{ .Namespace }}.{{ .Name }}",
    "triggers.consumergroup.template": "knative-trigger-{{ .Namespace }}-{{ .Name }}",
}
_FIELD = re.compile(r"\{\{-?\s*\.(Name|Namespace|UID)\s*-?\}\}")
_KEYS = {"Name": "name", "Namespace": "namespace", "UID": "uid"}


def host(service: str, namespace: str) -> str:
    """A Service's name in the cluster."""
    return f"{service}.{namespace}.svc.cluster.local"


def path_of(obj: Json) -> str:
    """Where a receiver takes events for the object."""
    meta = obj["metadata"]
    return f"/{meta['namespace']}/{meta['name']}"


def named(template: str, obj: Json, snapshot: Snapshot) -> str:
    """What a template of config-kafka-features makes of an object; a wrong template counts as none.

    `template` is a key of `TEMPLATES`; its values may use `.Name`, `.Namespace` and `.UID`.
    Deviation: upstream's templates are Go's and know the whole metadata.
    """
    config = snapshot.get(Ref("ConfigMap", SYSTEM, FEATURES))
    data = (config or {}).get("data") or {}
    said = data.get(template) or data.get(template.replace(".", "-"))
    for text in (said, TEMPLATES[template]):
        if text:
            made = _FIELD.sub(lambda m: str(obj["metadata"].get(_KEYS[m[1]], "")), str(text))
            if "{{" not in made:
                return made
    raise AssertionError("the default templates are right")


def broker_topic(broker: Json, snapshot: Snapshot) -> str:
    """The topic of a broker; somebody else's when the annotation says so."""
    return external_topic(broker) or named("brokers.topic.template", broker, snapshot)


def external_topic(broker: Json) -> str:
    """The topic that a broker uses and does not own; empty for none."""
    return str((broker["metadata"].get("annotations") or {}).get(EXTERNAL_TOPIC) or "")


def channel_topic(channel: Json, snapshot: Snapshot) -> str:
    """The topic of a channel."""
    return named("channels.topic.template", channel, snapshot)


def trigger_group(trigger: Json, snapshot: Snapshot) -> str:
    """The consumer group of a trigger."""
    return named("triggers.consumergroup.template", trigger, snapshot)


def subscriber_group(channel: Json, uid: str) -> str:
    """The consumer group of a channel's subscriber."""
    meta = channel["metadata"]
    return f"kafka.{meta['namespace']}.{meta['name']}.{uid}"
