"""v1 LimitRange: what pods of a namespace get when they say nothing, and how much may be asked for."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check_name, dns_subdomain, forbidden, required

CONTAINER, POD, CLAIM = "Container", "Pod", "PersistentVolumeClaim"


class LimitItem(Part, frozen=True):
    """The bounds of one type: Container, Pod or PersistentVolumeClaim."""

    type: str = ""
    max: dict[str, Any] | None = None
    min: dict[str, Any] | None = None
    default: dict[str, Any] | None = None
    default_request: dict[str, Any] | None = None
    max_limit_request_ratio: dict[str, Any] | None = None


class LimitRangeSpec(Part, frozen=True):
    """All bounds."""

    limits: tuple[LimitItem, ...] = ()


class LimitRange(Part, frozen=True):
    """Defaults and bounds of pods and claims of a namespace."""

    metadata: ObjectMeta = ObjectMeta()
    spec: LimitRangeSpec = LimitRangeSpec()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """A maximum is the default limit; the default limit, else the minimum, is the default request.

    Source: kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_LimitRangeItem.
    """
    spec = raw.setdefault("spec", {})
    for item in spec.get("limits") or () if isinstance(spec, dict) else ():
        if item.get("type") == CONTAINER:
            limits = {**(item.get("max") or {}), **(item.get("default") or {})}
            requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
            item |= {k: v for k, v in (("default", limits), ("defaultRequest", requests)) if v}
    return raw


def validate(row: LimitRange) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidateLimitRange."""
    yield from check_name(row.metadata.name, dns_subdomain)
    for i, item in enumerate(row.spec.limits):
        path = f"spec.limits[{i}]"
        if not item.type:
            yield required(f"{path}.type")
        if item.type == POD and item.default:
            yield forbidden(f"{path}.default", "may not be specified when `type` is 'Pod'")
        if item.type == POD and item.default_request:
            yield forbidden(f"{path}.defaultRequest", "may not be specified when `type` is 'Pod'")
        if item.type == CLAIM and not (item.min or item.max):
            yield required(
                f"{path}.limits",
                "either minimum or maximum storage value is required, but neither was provided",
            )


KIND = Kind(
    group="",
    name="LimitRange",
    plural="limitranges",
    singular="limitrange",
    short_names=("limits",),
    model=LimitRange,
    default=default,
    validate=validate,
    columns=(Column("Created At", ".metadata.creationTimestamp", "date"),),
    subresources=(),
    has_generation=False,
    builtin=True,
)
