"""flows.knative.dev/v1 Sequence: subscribers one after the other, each given what the one before answered.

Source: knative/eventing pkg/apis/flows/v1/sequence_{types,defaults,validation}.go.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.kinds.eventing.channel import ChannelTemplate
from hauberk.kinds.eventing.parts import (
    DeliverySpec,
    Destination,
    check_delivery,
    check_destination,
    default_destination,
)
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing

CATEGORIES = ("all", "knative", "flows")


class Step(Destination, frozen=True):
    """One subscriber, and how events are delivered to it."""

    delivery: DeliverySpec | None = None


class SequenceSpec(Part, frozen=True):
    """The subscribers, in order."""

    steps: tuple[Step, ...] = ()
    channel_template: Annotated[
        ChannelTemplate | None, Meta(description="Kind of the channels between; default the namespace's.")
    ] = None
    reply: Annotated[Destination | None, Meta(description="Where the last answer goes.")] = None


class Sequence(Part, frozen=True):
    """A Sequence gives an event to its steps one after the other."""

    metadata: ObjectMeta = ObjectMeta()
    spec: SequenceSpec = SequenceSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Namespaces of references; the template comes from default-ch-webhook (admission)."""
    spec, namespace = raw.setdefault("spec", {}), raw.get("metadata", {}).get("namespace")
    default_destination(spec, namespace, "reply")
    steps = spec.get("steps")
    for step in steps if isinstance(steps, list) else ():
        default_destination({"step": step}, namespace, "step")
        default_destination({"step": step}, namespace, "step", "delivery", "deadLetterSink")
    return raw


def validate(sequence: Sequence) -> FieldErrors:
    """Rules that span fields.

    Deviation: upstream names a bad step as a whole; here the field in it is named.
    """
    spec = sequence.spec
    if not spec.steps:
        yield missing("spec.steps")
    for i, step in enumerate(spec.steps):
        yield from (e.under(f"spec.steps[{i}]") for e in check_destination(step))
        yield from (e.under(f"spec.steps[{i}].delivery") for e in check_delivery(step.delivery))
    yield from check_template(spec.channel_template)
    if spec.reply is not None:
        yield from (e.under("spec.reply") for e in check_destination(spec.reply))


def check_template(template: ChannelTemplate | None) -> FieldErrors:
    """Flows need to know the kind of their channels. Source: IsValidChannelTemplate."""
    if template is None:
        yield missing("spec.channelTemplate")
        return
    for name, value in (("apiVersion", template.api_version), ("kind", template.kind)):
        if not value:
            yield missing(f"spec.channelTemplate.{name}")


KIND = Kind(
    group="flows.knative.dev",
    name="Sequence",
    plural="sequences",
    categories=CATEGORIES,
    model=Sequence,
    validate=validate,
    default=default,
    columns=(URL, AGE, *READY),
)
