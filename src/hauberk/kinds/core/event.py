"""v1 Event: something that happened to an object."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.base.times import age, epoch
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import invalid, required


class ObjectReference(Part, frozen=True):
    """The object it happened to."""

    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    resource_version: str = ""
    field_path: str = ""


class EventSource(Part, frozen=True):
    """Who reports it."""

    component: str = ""
    host: str = ""


class EventSeries(Part, frozen=True):
    """How often and when it last happened."""

    count: int = 0
    last_observed_time: str | None = None


class Event(Part, frozen=True):
    """Something that happened to an object. Kept for a limited time."""

    metadata: ObjectMeta = ObjectMeta()
    involved_object: ObjectReference = ObjectReference()
    reason: str = ""
    message: str = ""
    source: EventSource = EventSource()
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    count: int = 0
    type: str = ""
    event_time: str | None = None
    series: EventSeries | None = None
    action: str = ""
    related: ObjectReference | None = None
    reporting_component: str = ""
    reporting_instance: str = ""


def validate(event: Event) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/events.go, legacyValidateEvent."""
    namespace, about = event.metadata.namespace, event.involved_object.namespace
    if about and namespace != about:
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")
    if not about and namespace not in ("", "default", "kube-system"):
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")
    if event.involved_object.kind == "" and event.involved_object.name != "":
        yield required("involvedObject.kind")


def _last_seen(obj: Json, now: float) -> str:
    seen = (obj.get("series") or {}).get("lastObservedTime")
    return _since(seen or obj.get("lastTimestamp") or obj.get("eventTime"), now)


def _first_seen(obj: Json, now: float) -> str:
    return _since(obj.get("firstTimestamp") or obj.get("eventTime"), now)


def _since(text: Any, now: float) -> str:
    return age(now - epoch(text)) if text else "<unknown>"


def _object(obj: Json, _now: float) -> str:
    about = obj.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _source(obj: Json, _now: float) -> str:
    source = obj.get("source") or {}
    found = [source.get("component") or obj.get("reportingComponent"), source.get("host")]
    return ", ".join(part for part in found if part)


def _count(obj: Json, _now: float) -> int:
    return int((obj.get("series") or {}).get("count") or obj.get("count") or 1)


KIND = Kind(
    group="",
    name="Event",
    plural="events",
    singular="event",
    short_names=("ev",),
    model=Event,
    validate=validate,
    columns=(
        Column("Last Seen", _last_seen),
        Column("Type", ".type"),
        Column("Reason", ".reason"),
        Column("Object", _object),
        Column("Subobject", ".involvedObject.fieldPath", wide=True),
        Column("Source", _source, wide=True),
        Column("Message", ".message"),
        Column("First Seen", _first_seen, wide=True),
        Column("Count", _count, "integer", wide=True),
        Column("Name", ".metadata.name", wide=True),
    ),
    subresources=(),
    has_generation=False,
    builtin=True,
    extra={"name_column": False},
)
