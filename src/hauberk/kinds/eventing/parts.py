"""What the kinds of Eventing share: destinations, delivery options, and their rules in upstream's words.

Source: knative.dev/pkg apis/duck/v1/{destination,knative_reference}.go; knative/eventing
pkg/apis/duck/v1/delivery_types.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, field

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Part
from hauberk.kinds.serving.rules import invalid, missing

POLICIES = ("exponential", "linear")
FORMATS = ("json", "binary")
_PERIOD = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<y>[\d.]+)Y)?(?:(?P<mo>[\d.]+)M)?(?:(?P<w>[\d.]+)W)?(?:(?P<d>[\d.]+)D)?"
    r"(?:T(?:(?P<h>[\d.]+)H)?(?:(?P<mi>[\d.]+)M)?(?:(?P<s>[\d.]+)S)?)?"
)
_SECONDS = {
    "y": 31_556_952.0,
    "mo": 2_629_746.0,
    "w": 604_800.0,
    "d": 86_400.0,
    "h": 3600.0,
    "mi": 60.0,
    "s": 1.0,
}


class Reference(Part, frozen=True):
    """An object, by name."""

    kind: str = ""
    name: str = ""
    namespace: Annotated[str, Meta(description="Default: the namespace of the object that refers.")] = ""
    api_version: str = ""
    group: str = ""
    address: Annotated[str, Meta(description="Which of the object's addresses, by name.")] = ""


class Destination(Part, frozen=True):
    """Where events go: an object with an address, a URI, or a path below an object's address."""

    ref: Reference | None = None
    uri: str | None = None
    ca_certs: Annotated[str | None, Meta(description="PEM certificates to trust there.")] = field(
        name="CACerts", default=None
    )
    audience: Annotated[str | None, Meta(description="OIDC audience of the destination.")] = None


class DeliverySpec(Part, frozen=True):
    """How often an event is tried, how long, and what becomes of it then."""

    dead_letter_sink: Destination | None = None
    retry: int | None = None
    timeout: Annotated[str | None, Meta(description="ISO 8601, of each request.")] = None
    backoff_policy: str | None = None
    backoff_delay: Annotated[str | None, Meta(description="ISO 8601.")] = None
    retry_after_max: Annotated[
        str | None, Meta(description="ISO 8601; at most so long is a Retry-After obeyed.")
    ] = None
    format: Annotated[str | None, Meta(description="`json` or `binary`.")] = None


def parse_period_s(text: str) -> float:
    """An ISO 8601 period in seconds. ValueError when it is none."""
    match = _PERIOD.fullmatch(text)
    parts = {k: v for k, v in match.groupdict().items() if k != "sign" and v} if match else {}
    if match is None or (not parts and text not in ("P0D", "PT0S")):
        raise ValueError(f"not an ISO 8601 period: {text}")
    total = sum(float(value) * _SECONDS[unit] for unit, value in parts.items())
    return -total if match["sign"] == "-" else total


def kind_named(reference: Mapping[str, Any]) -> str:
    """The kind that a reference names, as `Kind.group`."""
    version = str(reference.get("apiVersion") or "")
    group = reference.get("group") or (version.rpartition("/")[0] if "/" in version else "")
    return f"{reference.get('kind', '')}.{group}" if group else str(reference.get("kind", ""))


def default_destination(raw: Json, namespace: str | None, *path: str) -> None:
    """Give the reference of the destination at `path` below `raw` its namespace. Mutates `raw`."""
    found: Any = raw
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    ref = found.get("ref") if isinstance(found, Mapping) else None
    if isinstance(ref, dict) and namespace and not ref.get("namespace"):
        ref["namespace"] = namespace


def check_reference(ref: Reference, *, namespaced: bool = True) -> FieldErrors:
    """A reference names its object. Source: KReference.Validate."""
    if not ref.name:
        yield missing("name")
    if not ref.api_version and not ref.group:
        yield missing("apiVersion")
    if not ref.kind:
        yield missing("kind")
    if namespaced and not ref.namespace:
        yield missing("namespace")


def check_destination(destination: Destination, *, namespaced: bool = True) -> FieldErrors:
    """A destination leads somewhere. Source: ValidateDestination."""
    ref, uri = destination.ref, destination.uri
    if ref is None and uri is None:
        for name in ("ref", "uri"):
            yield FieldError(name, "expected at least one, got none", "FieldValueRequired")
        return
    parts = urlsplit(uri or "")
    if ref is not None and parts.scheme:
        text = "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present"
        for name in ("[apiVersion, kind, name]", "ref", "uri"):
            yield FieldError(name, text)
    elif ref is None and not (parts.scheme and parts.netloc):
        text = "Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent"
        yield invalid(text, "uri")
    elif ref is not None:
        yield from (e.under("ref") for e in check_reference(ref, namespaced=namespaced))


def check_delivery(delivery: DeliverySpec | None, *, namespaced: bool = True) -> FieldErrors:
    """Rules of delivery options. Source: DeliverySpec.Validate.

    Deviation: `timeout` and `retryAfterMax` are taken without their feature flags, which are on here.
    """
    if delivery is None:
        return
    if delivery.dead_letter_sink is not None:
        found = check_destination(delivery.dead_letter_sink, namespaced=namespaced)
        yield from (e.under("deadLetterSink") for e in found)
    if delivery.retry is not None and delivery.retry < 0:
        yield invalid(delivery.retry, "retry")
    if delivery.backoff_policy is not None and delivery.backoff_policy not in POLICIES:
        yield invalid(delivery.backoff_policy, "backoffPolicy")
    if delivery.format is not None and delivery.format not in FORMATS:
        yield invalid(delivery.format, "format")
    yield from _check_period(delivery.timeout, "timeout", zero=False)
    yield from _check_period(delivery.backoff_delay, "backoffDelay")
    yield from _check_period(delivery.retry_after_max, "retryAfterMax")


def _check_period(text: str | None, path: str, *, zero: bool = True) -> FieldErrors:
    if text is None:
        return
    try:
        seconds = parse_period_s(text)
    except ValueError:
        yield invalid(text, path)
        return
    if seconds < 0 or (seconds == 0 and not zero):
        yield invalid(text, path)


def changed(old: Mapping[str, Any], new: Mapping[str, Any], *mutable: str) -> FieldErrors:
    """Fields of a specification that may not change, apart from the mutable ones.

    Deviation: upstream prints a Go struct diff; here one line per changed field.
    """
    lines = [
        line
        for key in sorted({*old, *new} - {*mutable})
        if old.get(key) != new.get(key)
        for line in (f"-{key}: {old.get(key)!r}", f"+{key}: {new.get(key)!r}")
    ]
    if lines:
        yield FieldError("spec\n" + "\n".join(lines), "Immutable fields changed (-old +new)")
