"""flows.knative.dev/v1 Parallel: every event goes to all branches; a branch may have a filter before it.

Source: knative/eventing pkg/apis/flows/v1/parallel_{types,defaults,validation}.go.
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
from hauberk.kinds.eventing.sequence import CATEGORIES, check_template
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing


class Branch(Part, frozen=True):
    """A subscriber, and what stands before and after it."""

    filter: Annotated[
        Destination | None, Meta(description="Answers with the event when the branch is to have it.")
    ] = None
    subscriber: Destination = Destination()
    reply: Annotated[Destination | None, Meta(description="Default: the Parallel's.")] = None
    delivery: DeliverySpec | None = None


class ParallelSpec(Part, frozen=True):
    """The branches."""

    branches: tuple[Branch, ...] = ()
    channel_template: Annotated[
        ChannelTemplate | None, Meta(description="Kind of the channels between; default the namespace's.")
    ] = None
    reply: Annotated[Destination | None, Meta(description="Where answers of branches without one go.")] = None


class Parallel(Part, frozen=True):
    """A Parallel gives an event to all its branches."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ParallelSpec = ParallelSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Namespaces of references; the template comes from default-ch-webhook (admission)."""
    spec, namespace = raw.setdefault("spec", {}), raw.get("metadata", {}).get("namespace")
    default_destination(spec, namespace, "reply")
    branches = spec.get("branches")
    for branch in branches if isinstance(branches, list) else ():
        for path in (("filter",), ("subscriber",), ("reply",), ("delivery", "deadLetterSink")):
            default_destination({"branch": branch}, namespace, "branch", *path)
    return raw


def validate(parallel: Parallel) -> FieldErrors:
    """Rules that span fields.

    Deviation: upstream names a bad branch as a whole; here the field in it is named.
    """
    spec = parallel.spec
    if not spec.branches:
        yield missing("spec.branches")
    for i, branch in enumerate(spec.branches):
        yield from (e.under(f"spec.branches[{i}]") for e in _check_branch(branch))
    yield from check_template(spec.channel_template)
    if spec.reply is not None:
        yield from (e.under("spec.reply") for e in check_destination(spec.reply))


def _check_branch(branch: Branch) -> FieldErrors:
    ends = (("filter", branch.filter), ("subscriber", branch.subscriber), ("reply", branch.reply))
    for name, end in ends:
        if end is not None:
            yield from (e.under(name) for e in check_destination(end))
    yield from (e.under("delivery") for e in check_delivery(branch.delivery))


KIND = Kind(
    group="flows.knative.dev",
    name="Parallel",
    plural="parallels",
    categories=CATEGORIES,
    model=Parallel,
    validate=validate,
    default=default,
    columns=(URL, AGE, *READY),
)
