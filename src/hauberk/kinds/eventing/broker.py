"""eventing.knative.dev/v1 Broker: a place to send events to, from which Triggers take theirs.

Source: knative/eventing pkg/apis/eventing/v1/broker_{types,defaults,validation}.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json, annotations_of
from hauberk.kinds.eventing.parts import (
    DeliverySpec,
    Reference,
    changed,
    check_delivery,
    check_reference,
    default_destination,
)
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing

CLASS = "eventing.knative.dev/broker.class"
MT_CHANNEL = "MTChannelBasedBroker"
KAFKA = "Kafka"
CLASSES = (MT_CHANNEL, KAFKA)


class BrokerSpec(Part, frozen=True):
    """How the broker keeps events (a ConfigMap with a channel template) and how it delivers them."""

    config: Reference | None = None
    delivery: DeliverySpec | None = None


class Broker(Part, frozen=True):
    """A Broker takes events at its address and gives them to the Triggers that ask for them."""

    metadata: ObjectMeta = ObjectMeta()
    spec: BrokerSpec = BrokerSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """References are to the broker's namespace; class and config come from config-br-defaults (admission)."""
    spec, namespace = raw.setdefault("spec", {}), raw.get("metadata", {}).get("namespace")
    config = spec.get("config")
    if isinstance(config, dict) and not config.get("namespace") and namespace:
        config["namespace"] = namespace
    default_destination(spec, namespace, "delivery", "deadLetterSink")
    return raw


def validate(broker: Broker) -> FieldErrors:
    """Rules that span fields."""
    if not (broker.metadata.annotations or {}).get(CLASS):
        yield missing(CLASS)
    if broker.spec.config is not None:
        yield from (e.under("spec.config") for e in check_reference(broker.spec.config))
    yield from (e.under("spec.delivery") for e in check_delivery(broker.spec.delivery))


def validate_update(old: Json, new: Json) -> FieldErrors:
    """Only delivery may change. Source: Broker.CheckImmutableFields."""
    yield from changed(old.get("spec") or {}, new.get("spec") or {}, "delivery")
    before, after = annotations_of(old).get(CLASS), annotations_of(new).get(CLASS)
    if before != after:
        lines = f"-: {before!r}\n+: {after!r}"
        yield FieldError(f"annotations\n{lines}", "Immutable annotations changed (-old +new)")


def advice(raw: Json) -> Iterator[str]:
    """A class that nobody here acts on."""
    kind = (raw.get("metadata", {}).get("annotations") or {}).get(CLASS)
    if kind and kind not in CLASSES:
        name = raw.get("metadata", {}).get("name", "")
        yield (
            f"Broker {name!r} is of class {kind}, on which nothing acts here; classes that do: "
            f"{', '.join(CLASSES)}"
        )


KIND = Kind(
    group="eventing.knative.dev",
    name="Broker",
    plural="brokers",
    categories=("all", "knative", "eventing"),
    model=Broker,
    validate=validate,
    validate_update=validate_update,
    default=default,
    advice=advice,
    columns=(URL, AGE, *READY),
)
