"""Well-known names of Knative Eventing: kinds, labels, annotations, Services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.conditions import Condition, condition, ready
from hauberk.base.refs import Json
from hauberk.engine.plan import Note
from hauberk.kinds.eventing import features

SYSTEM = "knative-eventing"

BROKER = "Broker.eventing.knative.dev"
TRIGGER = "Trigger.eventing.knative.dev"
EVENT_TYPE = "EventType.eventing.knative.dev"
EVENT_POLICY = "EventPolicy.eventing.knative.dev"
CHANNEL = "Channel.messaging.knative.dev"
IN_MEMORY = "InMemoryChannel.messaging.knative.dev"
KAFKA_CHANNEL = "KafkaChannel.messaging.knative.dev"
SUBSCRIPTION = "Subscription.messaging.knative.dev"
SEQUENCE = "Sequence.flows.knative.dev"
PARALLEL = "Parallel.flows.knative.dev"
DESTINATION_RULE = "DestinationRule.networking.istio.io"
SLICE = "EndpointSlice.discovery.k8s.io"
DEPLOYMENT = "Deployment.apps"
BACKING = (IN_MEMORY, KAFKA_CHANNEL)
"""The channels that carry events."""

ADDRESSABLES = (
    "Service", "Service.serving.knative.dev", "Route.serving.knative.dev",
    BROKER, CHANNEL, *BACKING,
    SEQUENCE, PARALLEL,
    "KafkaSink.eventing.knative.dev", "JobSink.sinks.knative.dev",
)  # fmt: skip
"""The kinds whose objects have an address that a destination may name."""
SOURCES = (
    "PingSource.sources.knative.dev", "ApiServerSource.sources.knative.dev",
    "ContainerSource.sources.knative.dev", "SinkBinding.sources.knative.dev",
    "KafkaSource.sources.knative.dev",
)  # fmt: skip

EVENTING_V1 = "eventing.knative.dev/v1"
MESSAGING_V1 = "messaging.knative.dev/v1"

L_BROKER = "eventing.knative.dev/broker"
L_TRIGGER = "eventing.knative.dev/trigger"
L_EVERYTHING = "eventing.knative.dev/brokerEverything"
L_MESSAGING_ROLE = "messaging.knative.dev/role"
A_SCOPE = "eventing.knative.dev/scope"
A_CHANNEL_ADDRESS = "knative.dev/channelAddress"
A_CHANNEL_KIND = "knative.dev/channelKind"
A_CHANNEL_VERSION = "knative.dev/channelAPIVersion"
A_CHANNEL_NAME = "knative.dev/channelName"

INGRESS_SERVICE = "broker-ingress"
FILTER_SERVICE = "broker-filter"
DISPATCHER_SERVICE = "imc-dispatcher"

INGRESS_ROLE = "broker-ingress"
FILTER_ROLE = "broker-filter"
DISPATCHER_ROLE = "imc-dispatcher"

OIDC = features.OIDC
OIDC_OFF = f"{OIDC} feature disabled"


_SINK = ("deadLetterSinkUri", "deadLetterSinkCACerts", "deadLetterSinkAudience")


def body(api_version: str, kind: str, meta: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """An object; metadata fields that are None or empty are left out."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {k: v for k, v in meta.items() if v not in (None, {}, "")},
        **{k: v for k, v in parts.items() if v is not None},
    }


def internal_error(message: str) -> Note:
    """The event of a reconcile that ends with an error (knative.dev/pkg: `InternalError`)."""
    return Note("InternalError", message, "Warning")


def conditions(types: tuple[str, ...], *found: Condition, before: Json | None = None) -> list[dict[str, Any]]:
    """Rows of a status: what was found, and Ready of them all.

    Types that were not reached stay as they stand in `before`, an object; else they are Unknown.
    Source: knative.dev/pkg apis/condition_set.go, InitializeConditions.
    """
    known = {c.type: c for c in found}
    parts = [known.get(t) or copied(t, condition(before, t), Condition(t, "Unknown")) for t in types]
    more = [c for c in found if c.type not in types]
    rows = sorted([*parts, *more, ready(parts)], key=lambda c: c.type)
    return [c.as_json() for c in rows]


def kept(obj: Json, *fields: str) -> dict[str, Any]:
    """Fields of a status that stay while what they come from is not known: traffic goes on by them."""
    status = obj.get("status") or {}
    return {name: status[name] for name in (*fields, *_SINK) if status.get(name)}


def copied(type: str, row: Json | None, late: Condition) -> Condition:  # noqa: A002
    """A condition that repeats another object's; `late` while that one has none."""
    if row is None:
        return late
    return Condition(type, row["status"], row.get("reason", ""), row.get("message", ""))
