"""serving.knative.dev/v1beta1 DomainMapping: a custom host name for an app."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import CATEGORIES, READY, URL
from hauberk.kinds.serving.rules import missing


class Reference(Part, frozen=True):
    """The app that the host leads to."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    api_version: str = ""
    group: str = ""


class DomainMappingSpec(Part, frozen=True):
    """Which app."""

    __inert__ = ("tls",)

    ref: Reference = Reference()


class DomainMapping(Part, frozen=True):
    """DomainMapping leads a custom host name, which is its own name, to an app."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DomainMappingSpec = DomainMappingSpec()
    status: dict[str, Any] | None = None


def validate(mapping: DomainMapping) -> FieldErrors:
    """Rules that span fields."""
    for field in ("kind", "name"):
        if not getattr(mapping.spec.ref, field):
            yield missing(f"spec.ref.{field}")


KIND = Kind(
    group="serving.knative.dev",
    name="DomainMapping",
    plural="domainmappings",
    versions=("v1beta1",),
    short_names=("dm",),
    categories=CATEGORIES,
    model=DomainMapping,
    validate=validate,
    columns=(URL, *READY),
)
