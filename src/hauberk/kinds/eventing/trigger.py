"""eventing.knative.dev/v1 Trigger: which of a broker's events go to which subscriber.

Source: knative/eventing pkg/apis/eventing/v1/trigger_{types,defaults,validation}.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.events.filters import FilterError
from hauberk.events.filters import compile as compile_filters
from hauberk.kinds.eventing.parts import (
    DeliverySpec,
    Destination,
    check_delivery,
    check_destination,
    default_destination,
)
from hauberk.kinds.eventing.stored import AGE, READY, SUBSCRIBER
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing

BROKER_LABEL = "eventing.knative.dev/broker"
DEPENDENCY = "knative.dev/dependency"
INJECTION = "eventing.knative.dev/injection"
_NAME = re.compile(r"[a-z][a-z0-9]*")
_NAME_TEXT = "Attribute name must start with a letter and can only contain lowercase alphanumeric"
_MAPS = ("exact", "prefix", "suffix")
_DIALECTS = (*_MAPS, "all", "any", "not", "cesql")


class Filter(Part, frozen=True):
    """Exact values of attributes; an empty value asks only that the attribute is there."""

    attributes: dict[str, str] | None = None


class TriggerSpec(Part, frozen=True):
    """Broker, filter, subscriber, and delivery where it differs from the broker's."""

    broker: str = ""
    filter: Filter | None = None
    filters: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="Filters of the CloudEvents Subscriptions API; when set, `filter` does not count."),
    ] = ()
    subscriber: Destination = Destination()
    delivery: DeliverySpec | None = None


class Trigger(Part, frozen=True):
    """A Trigger subscribes an addressable to the events of a broker that pass its filters."""

    metadata: ObjectMeta = ObjectMeta()
    spec: TriggerSpec = TriggerSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """A filter that lets everything pass, the broker as a label, namespaces of references."""
    spec, meta = raw.setdefault("spec", {}), raw.setdefault("metadata", {})
    if spec.get("filter") is None:
        spec["filter"] = {}
    if spec.get("broker"):
        meta["labels"] = {**(meta.get("labels") or {}), BROKER_LABEL: spec["broker"]}
    default_destination(spec, meta.get("namespace"), "subscriber")
    default_destination(spec, meta.get("namespace"), "delivery", "deadLetterSink")
    return raw


def validate(trigger: Trigger) -> FieldErrors:
    """Rules that span fields."""
    spec = trigger.spec
    if not spec.broker:
        yield missing("spec.broker")
    attributes = (spec.filter.attributes if spec.filter else None) or {}
    yield from (e.under("spec.filter.attributes") for e in _check_names(attributes, ""))
    for i, item in enumerate(spec.filters):
        yield from (e.under(f"spec.filters[{i}]") for e in check_filter(item))
    yield from (e.under("spec.subscriber") for e in check_destination(spec.subscriber))
    yield from (e.under("spec.delivery") for e in check_delivery(spec.delivery))
    notes = trigger.metadata.annotations or {}
    if DEPENDENCY in notes:
        found = _check_dependency(notes[DEPENDENCY], trigger.metadata.namespace)
        yield from (e.under(f"metadata.annotations[{DEPENDENCY}]") for e in found)
    if INJECTION in notes:
        where = f"metadata.annotations[{INJECTION}]"
        yield from (e.under(where) for e in _check_injection(notes[INJECTION], spec.broker))


def check_filter(item: Mapping[str, Any]) -> FieldErrors:
    """One filter of the Subscriptions API. Source: ValidateSubscriptionAPIFilter."""
    given = [name for name in _DIALECTS if item.get(name)]
    for name in item:
        if name not in _DIALECTS:
            yield FieldError(name, f"unknown dialect, known are {', '.join(_DIALECTS)}")
    if len(given) > 1:
        yield FieldError("", "multiple dialects found, filters can have only one dialect set")
        return
    for name in given:
        value = item[name]
        if name in _MAPS and isinstance(value, Mapping):
            if len(value) > 1:
                yield FieldError(name, "Multiple items found, can have only one key-value")
            else:
                yield from _check_names(value, name)
        elif name in ("all", "any") and isinstance(value, list | tuple):
            for i, below in enumerate(value):
                yield from (e.under(f"{name}[{i}]") for e in check_filter(below))
        elif name == "not" and isinstance(value, Mapping):
            yield from (e.under("not") for e in check_filter(value))
        else:
            yield from _check_compiles(item, name)


def _check_compiles(item: Mapping[str, Any], name: str) -> FieldErrors:
    try:
        compile_filters([item])
    except FilterError as error:
        yield FieldError(f"{name}\n{error.text}", f"invalid value: {item[name]}")


def _check_names(attributes: Mapping[str, Any], where: str) -> FieldErrors:
    for name in attributes:
        if not _NAME.fullmatch(name):
            yield FieldError(f"{where}[{name}]\n{_NAME_TEXT}", f'invalid key name "{name}"')


def parse_dependency(text: str) -> dict[str, Any]:
    """The reference in the dependency annotation. ValueError when it is none."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("json: cannot unmarshal into Go value of type v1.ObjectReference")
    return found


def _check_dependency(text: str, namespace: str) -> FieldErrors:
    try:
        ref = parse_dependency(text)
    except ValueError as error:
        quoted = json.dumps(text)
        yield FieldError(f"\n{error}", f"The provided annotation was not a corev1.ObjectReference: {quoted}")
        return
    if ref.get("namespace") and ref["namespace"] != namespace:
        said = f'Namespace must be empty or equal to the trigger namespace "{namespace}"'
        yield FieldError("namespace", said)
    for name in ("kind", "name", "apiVersion"):
        if not ref.get(name):
            yield missing(name)


def _check_injection(text: str, broker: str) -> FieldErrors:
    if text not in ("enabled", "disabled"):
        said = 'The provided injection annotation value can only be "enabled" or "disabled", not '
        yield FieldError("", said + json.dumps(text))
    elif broker != "default":
        said = "The provided injection annotation is only used for default broker, but non-default broker "
        yield FieldError("", f"{said}specified here: {json.dumps(broker)}")


def validate_update(old: Json, new: Json) -> FieldErrors:
    """A Trigger stays with its broker. Source: Trigger.CheckImmutableFields."""
    before, after = (old.get("spec") or {}).get("broker"), (new.get("spec") or {}).get("broker")
    if before != after:
        for path in ("spec", "broker"):
            yield FieldError(f"{path}\n-: {before!r}\n+: {after!r}", "Immutable fields changed (-old +new)")


def advice(raw: Json) -> Iterator[str]:
    """What does not act."""
    if (raw.get("metadata", {}).get("annotations") or {}).get(INJECTION) == "enabled":
        yield f"the annotation {INJECTION} makes no Broker here: create the Broker `default` yourself"


KIND = Kind(
    group="eventing.knative.dev",
    name="Trigger",
    plural="triggers",
    categories=("all", "knative", "eventing"),
    model=Trigger,
    validate=validate,
    validate_update=validate_update,
    default=default,
    advice=advice,
    columns=(Column("Broker", ".spec.broker"), SUBSCRIBER, AGE, *READY),
)
