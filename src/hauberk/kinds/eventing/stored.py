"""The one shape of all eventing kinds for now: stored with their references checked, acted on by nobody.

The Eventing issue gives each kind a module of its own; until then every write answers with a Warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import required

ADVICE = (
    "is stored; eventing does not act on the embedded cluster yet (the Eventing components are placeholders)"
)


class Stored(Part, frozen=True):
    """An eventing object that is kept as written."""

    metadata: ObjectMeta
    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


READY = (
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
)
AGE = Column("Age", ".metadata.creationTimestamp", "date")
URL = Column("URL", ".status.address.url")
SINK = Column("Sink", ".status.sinkUri")
SUBSCRIBER = Column("Subscriber_URI", ".status.subscriberUri")


def needs(*paths: str) -> Callable[[Stored], FieldErrors]:
    """Rules of a kind whose `spec` must have these fields (dotted paths below `spec`)."""

    def validate(obj: Stored) -> FieldErrors:
        for path in paths:
            value: Any = obj.spec or {}
            for key in path.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            if value in (None, "", [], {}):
                yield required(f"spec.{path}")

    return validate


def stored_kind(
    group: str,
    name: str,
    plural: str,
    *,
    versions: tuple[str, ...] = ("v1",),
    required: tuple[str, ...] = (),
    columns: tuple[Column, ...] = (),
    short_names: tuple[str, ...] = (),
    categories: tuple[str, ...] = ("all", "knative"),
) -> Kind[Stored]:
    """The row of one eventing kind."""

    def advice(raw: Json) -> Iterator[str]:
        yield f"{name} {raw.get('metadata', {}).get('name', '')!r} {ADVICE}"

    return Kind(
        group=group,
        name=name,
        plural=plural,
        model=Stored,
        versions=versions,
        validate=needs(*required),
        advice=advice,
        columns=columns or (*READY, AGE),
        short_names=short_names,
        categories=categories,
        doc=f"A {name} of Knative Eventing. Stored only: the Eventing components are placeholders yet.",
    )
