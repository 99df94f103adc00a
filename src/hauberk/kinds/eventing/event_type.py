"""eventing.knative.dev EventType: a note that events of a type come from a source, for people to find.

Source: knative/eventing pkg/apis/eventing/v1beta2/eventtype_{types,defaults,validation}.go and v1beta3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.eventing.parts import Reference
from hauberk.kinds.eventing.stored import READY
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing


class EventTypeSpec(Part, frozen=True):
    """The events' attributes, and the broker, channel or sink that they come through."""

    type: str = ""
    source: str | None = None
    schema: str | None = None
    schema_data: str | None = None
    reference: Reference | None = None
    description: str | None = None
    broker: Annotated[str | None, Meta(description="Deprecated: `reference`.")] = None
    attributes: Annotated[
        tuple[dict[str, Any], ...], Meta(description="v1beta3: the events' attributes.")
    ] = ()
    variables: tuple[dict[str, Any], ...] = ()


class EventType(Part, frozen=True):
    """An EventType says that events of a type are to be had."""

    metadata: ObjectMeta = ObjectMeta()
    spec: EventTypeSpec = EventTypeSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """`broker` becomes a reference; the reference's namespace."""
    spec, namespace = raw.setdefault("spec", {}), raw.get("metadata", {}).get("namespace")
    if spec.get("broker") and not spec.get("reference"):
        spec["reference"] = {
            "apiVersion": "eventing.knative.dev/v1",
            "kind": "Broker",
            "name": spec["broker"],
        }
    reference = spec.get("reference")
    if isinstance(reference, dict) and not reference.get("namespace") and namespace:
        reference["namespace"] = namespace
    return raw


def attribute(raw: Json, name: str) -> str:
    """An attribute of the events: in v1beta3 a row of `attributes`, before a field."""
    spec = raw.get("spec") or {}
    row = next((a for a in spec.get("attributes") or () if a.get("name") == name), None)
    return str((row or {}).get("value") or spec.get(name) or "")


def validate(event_type: EventType) -> FieldErrors:
    """Rules that span fields."""
    spec = event_type.spec
    if spec.attributes:
        names = {a.get("name") for a in spec.attributes}
        for name in ("type", "source", "specversion", "id"):
            if name not in names:
                yield missing(f"spec.attributes.{name}")
    elif not spec.type:
        yield missing("spec.type")


def _column(name: str) -> Column:
    return Column(name.capitalize(), lambda raw, _now: attribute(raw, name))


def advice(raw: Json) -> Iterator[str]:
    """What is deprecated."""
    if (raw.get("spec") or {}).get("broker"):
        yield "spec.broker is deprecated: use spec.reference"


KIND = Kind(
    group="eventing.knative.dev",
    name="EventType",
    plural="eventtypes",
    versions=("v1beta3", "v1beta2", "v1beta1"),
    categories=("all", "knative", "eventing"),
    model=EventType,
    validate=validate,
    default=default,
    advice=advice,
    columns=(
        _column("type"),
        _column("source"),
        Column("Schema", ".spec.schema"),
        Column("Reference Name", ".spec.reference.name"),
        Column("Reference Kind", ".spec.reference.kind"),
        Column("Description", ".spec.description"),
        *READY,
    ),
)
