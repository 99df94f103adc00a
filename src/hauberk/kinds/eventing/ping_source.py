"""sources.knative.dev/v1 PingSource: the same event again and again, by the clock.

Source: knative/eventing pkg/apis/sources/v1/ping_{types,defaults,validation}.go.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base import cron
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.kinds.eventing.parts import default_destination
from hauberk.kinds.eventing.source import CATEGORIES, SourceSpec, check_source
from hauberk.kinds.eventing.stored import AGE, READY, SINK
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import invalid, one_of_both

EVERY_MINUTE = "* * * * *"
JSON = "application/json"


class PingSourceSpec(SourceSpec, frozen=True):
    """When, and what."""

    schedule: Annotated[
        str, Meta(description="Cron: five fields, or six with seconds first; default every minute.")
    ] = EVERY_MINUTE
    timezone: Annotated[str, Meta(description="Of the schedule, such as Europe/Berlin; default UTC.")] = ""
    content_type: Annotated[str, Meta(description="Media type of the data.")] = ""
    data: Annotated[str, Meta(description="The data as text.")] = ""
    data_base64: Annotated[str, Meta(description="The data in base64; excludes `data`.")] = ""


class PingSource(Part, frozen=True):
    """A PingSource sends the same event again and again, by the clock."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PingSourceSpec = PingSourceSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Every minute; the sink is in the source's namespace."""
    spec = raw.setdefault("spec", {})
    spec["schedule"] = spec.get("schedule") or EVERY_MINUTE
    default_destination(spec, raw.get("metadata", {}).get("namespace"), "sink")
    return raw


def validate(source: PingSource) -> FieldErrors:
    """Rules that span fields."""
    spec = source.spec
    yield from _check_schedule(spec)
    yield from check_source(spec)
    if spec.data and spec.data_base64:
        yield from one_of_both("spec.data", "spec.dataBase64")
    elif spec.data_base64:
        yield from _check_base64(spec)
    elif spec.data and spec.content_type == JSON:
        yield from _check_json(spec.data, "spec.data")


def _check_schedule(spec: PingSourceSpec) -> FieldErrors:
    if "@every" in spec.schedule:
        yield invalid("unsupported descriptor @every", "spec.schedule")
        return
    try:
        cron.parse(spec.schedule, zone=spec.timezone, seconds=True)
    except cron.BadZone as error:
        yield invalid(error, "spec.timezone")
    except cron.BadSchedule as error:
        yield invalid(error, "spec.schedule")


def _check_base64(spec: PingSourceSpec) -> FieldErrors:
    try:
        data = base64.b64decode(spec.data_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        yield invalid(f"illegal base64 data: {error}", "spec.dataBase64")
        return
    if spec.content_type == JSON:
        yield from _check_json(data.decode("utf-8", "replace"), "spec.dataBase64")


def _check_json(text: str, path: str) -> FieldErrors:
    """Deviation: any JSON value is fine; upstream's webhook takes objects only."""
    try:
        json.loads(text)
    except ValueError as error:
        yield FieldError(path, f"invalid value: {error}")


KIND = Kind(
    group="sources.knative.dev",
    name="PingSource",
    plural="pingsources",
    versions=("v1", "v1beta2"),
    categories=CATEGORIES,
    model=PingSource,
    validate=validate,
    default=default,
    columns=(SINK, Column("Schedule", ".spec.schedule"), AGE, *READY),
)
