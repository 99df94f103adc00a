"""messaging.knative.dev/v1 InMemoryChannel: the channel that needs nothing but its dispatcher.

Source: knative/eventing pkg/apis/messaging/v1/in_memory_channel_{types,defaults,validation}.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.eventing.channel import CATEGORIES
from hauberk.kinds.eventing.parts import DeliverySpec, check_delivery, default_destination
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part

SCOPE = "eventing.knative.dev/scope"
DURABLE = "hauberk.dev/durable"
ORDERED = "hauberk.dev/ordered"
DUCK = "messaging.knative.dev/subscribable"


class InMemoryChannelSpec(Part, frozen=True):
    """How events are delivered, and to whom: the subscribers are the Subscriptions' work."""

    delivery: DeliverySpec | None = None
    subscribers: tuple[dict[str, Any], ...] = ()


class InMemoryChannel(Part, frozen=True):
    """An InMemoryChannel gives every event that it takes to each of its Subscriptions."""

    metadata: ObjectMeta = ObjectMeta()
    spec: InMemoryChannelSpec = InMemoryChannelSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Namespaces of references, and the version of the subscribable contract."""
    spec, meta = raw.setdefault("spec", {}), raw.setdefault("metadata", {})
    default_destination(spec, meta.get("namespace"), "delivery", "deadLetterSink")
    meta["annotations"] = {**(meta.get("annotations") or {}), DUCK: "v1"}
    return raw


def validate(channel: InMemoryChannel) -> FieldErrors:
    """Rules that span fields.

    Deviation: whoever may write the channel may write its subscribers; upstream lets only its controller.
    What others write there is replaced at once.
    """
    for i, row in enumerate(channel.spec.subscribers):
        if not row.get("subscriberUri") and not row.get("replyUri"):
            where = f"subscribable.subscriber[{i}]"
            for name in ("replyURI", "subscriberURI"):
                details = "expected at least one of, got none"
                yield FieldError(f"spec.{where}.{name}\n{details}", "missing field(s)", "FieldValueRequired")
    scope = (channel.metadata.annotations or {}).get(SCOPE)
    if scope is not None and scope not in ("namespace", "cluster"):
        where = f"metadata.annotations[{SCOPE}]\nexpected either 'cluster' or 'namespace'"
        yield FieldError(where, f"invalid value: {scope}")
    yield from (e.under("spec.delivery") for e in check_delivery(channel.spec.delivery))


def advice(raw: Json) -> Iterator[str]:
    """What does not act."""
    if (raw.get("metadata", {}).get("annotations") or {}).get(SCOPE) == "namespace":
        yield f"{SCOPE}: namespace has no effect here: the dispatcher of knative-eventing serves the channel"


KIND = Kind(
    group="messaging.knative.dev",
    name="InMemoryChannel",
    plural="inmemorychannels",
    short_names=("imc",),
    categories=CATEGORIES,
    model=InMemoryChannel,
    validate=validate,
    default=default,
    advice=advice,
    columns=(URL, AGE, *READY),
)
