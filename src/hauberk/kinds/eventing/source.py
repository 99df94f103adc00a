"""What all sources share: where their events go, and what is added to them.

Source: knative.dev/pkg apis/duck/v1/source_types.go.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.kinds.eventing.parts import Destination, check_destination
from hauberk.kinds.meta import Part

CATEGORIES = ("all", "knative", "sources")


class Overrides(Part, frozen=True):
    """What is added to every event."""

    extensions: Annotated[
        dict[str, str] | None, Meta(description="Attributes to set, by name; they replace the event's own.")
    ] = None


class SourceSpec(Part, frozen=True):
    """Where a source sends its events."""

    sink: Destination = Destination()
    ce_overrides: Annotated[Overrides | None, Meta(description="What is added to every event.")] = None


def check_source(spec: SourceSpec) -> FieldErrors:
    """The sink leads somewhere, and overrides are attributes. Paths begin with `spec`.

    Source: SourceSpec.Validate, CloudEventOverrides.Validate.
    """
    yield from (e.under("spec.sink") for e in check_destination(spec.sink))
    for name in (spec.ce_overrides.extensions or {}) if spec.ce_overrides else ():
        if not (name.isascii() and name.isalnum() and name == name.lower()):
            details = "keys are expected to be lower-case alphanumeric" if name else "keys MUST NOT be empty"
            yield FieldError(f"spec.ceOverrides.extensions\n{details}", f'invalid key name "{name}"')
