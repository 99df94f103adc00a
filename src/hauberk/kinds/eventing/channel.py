"""messaging.knative.dev/v1 Channel: a channel whose kind a template chooses.

Source: knative/eventing pkg/apis/messaging/v1/channel_{types,defaults,validation}.go.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.eventing.parts import DeliverySpec, changed, check_delivery, default_destination
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import disallowed, missing

CATEGORIES = ("all", "knative", "messaging", "channel")


class ChannelTemplate(Part, frozen=True):
    """Kind and specification of the backing channel."""

    api_version: str = ""
    kind: str = ""
    spec: dict[str, Any] | None = None


class ChannelSpec(Part, frozen=True):
    """The backing channel (default: default-ch-webhook's) and how events are delivered."""

    channel_template: ChannelTemplate | None = None
    delivery: DeliverySpec | None = None
    subscribers: tuple[dict[str, Any], ...] = ()


class Channel(Part, frozen=True):
    """A Channel gives every event that it takes to each of its Subscriptions."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ChannelSpec = ChannelSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Namespaces of references; the template comes from default-ch-webhook (admission)."""
    spec = raw.setdefault("spec", {})
    default_destination(spec, raw.get("metadata", {}).get("namespace"), "delivery", "deadLetterSink")
    return raw


def validate(channel: Channel) -> FieldErrors:
    """Rules that span fields."""
    template = channel.spec.channel_template
    if template is None:
        yield missing("spec.channelTemplate")
    else:
        for name, value in (("kind", template.kind), ("apiVersion", template.api_version)):
            if not value:
                yield missing(f"spec.channelTemplate.{name}")
    if channel.spec.subscribers:
        yield disallowed("spec.subscribable.subscribers")
    yield from (e.under("spec.delivery") for e in check_delivery(channel.spec.delivery))


def validate_update(old: Json, new: Json) -> FieldErrors:
    """Nothing but the subscribers may change. Source: Channel.CheckImmutableFields."""
    yield from changed(old.get("spec") or {}, new.get("spec") or {}, "subscribers")


KIND = Kind(
    group="messaging.knative.dev",
    name="Channel",
    plural="channels",
    short_names=("ch",),
    categories=CATEGORIES,
    model=Channel,
    validate=validate,
    validate_update=validate_update,
    default=default,
    columns=(URL, AGE, *READY),
)
