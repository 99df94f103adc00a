"""messaging.knative.dev/v1 Subscription: from a channel to a subscriber, and its answers to somewhere else.

Source: knative/eventing pkg/apis/messaging/v1/subscription_{types,defaults,validation}.go.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.eventing.parts import (
    DeliverySpec,
    Destination,
    Reference,
    changed,
    check_delivery,
    check_destination,
    check_reference,
    default_destination,
)
from hauberk.kinds.eventing.stored import AGE, READY
from hauberk.kinds.meta import Kind, ObjectMeta, Part

_EMPTY = Destination()


class SubscriptionSpec(Part, frozen=True):
    """Channel, subscriber, where the subscriber's answers go, and how events are delivered."""

    channel: Reference = Reference()
    subscriber: Destination | None = None
    reply: Destination | None = None
    delivery: DeliverySpec | None = None


class Subscription(Part, frozen=True):
    """A Subscription sends every event of a channel to a subscriber."""

    metadata: ObjectMeta = ObjectMeta()
    spec: SubscriptionSpec = SubscriptionSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Namespaces of references."""
    spec, namespace = raw.setdefault("spec", {}), raw.get("metadata", {}).get("namespace")
    for path in (("subscriber",), ("reply",), ("delivery", "deadLetterSink")):
        default_destination(spec, namespace, *path)
    return raw


def validate(subscription: Subscription) -> FieldErrors:
    """Rules that span fields."""
    spec = subscription.spec
    if spec.channel == Reference():
        details = "the Subscription must reference a channel"
        yield FieldError(f"spec.channel\n{details}", "missing field(s)", "FieldValueRequired")
        return
    yield from (e.under("spec.channel") for e in check_reference(spec.channel, namespaced=False))
    if spec.channel.namespace:
        details = "only name, apiVersion and kind are supported fields"
        where = f"spec.channel.namespace\n{details}"
        yield FieldError(where, "must not set the field(s)", "FieldValueForbidden")
    ends = (("subscriber", spec.subscriber), ("reply", spec.reply))
    if all(end in (None, _EMPTY) for _, end in ends):
        details = "the Subscription must reference at least one of (reply or a subscriber)"
        for name, _ in ends:
            yield FieldError(f"spec.{name}\n{details}", "missing field(s)", "FieldValueRequired")
    for name, end in ends:
        if end is not None and end != _EMPTY:
            yield from (e.under(f"spec.{name}") for e in check_destination(end))
    yield from (e.under("spec.delivery") for e in check_delivery(spec.delivery))


def validate_update(old: Json, new: Json) -> FieldErrors:
    """Subscriber, reply and delivery may change. Source: Subscription.CheckImmutableFields."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    yield from changed(before, after, "subscriber", "reply", "delivery")


KIND = Kind(
    group="messaging.knative.dev",
    name="Subscription",
    plural="subscriptions",
    short_names=("sub",),
    categories=("all", "knative", "messaging"),
    model=Subscription,
    validate=validate,
    validate_update=validate_update,
    default=default,
    columns=(AGE, *READY),
)
