"""v1 ResourceQuota: how much a namespace may have."""

from __future__ import annotations

from typing import Any, ClassVar

from hauberk.base.fields import FieldErrors
from hauberk.base.quantities import parse_quantity
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check_name, dns_subdomain, invalid, unsupported

SCOPES = ("BestEffort", "NotBestEffort", "NotTerminating", "Terminating")


class QuotaSpec(Part, frozen=True):
    """The bounds."""

    __inert__: ClassVar[tuple[str, ...]] = ("scopeSelector",)

    hard: dict[str, Any] | None = None
    scopes: tuple[str, ...] = ()


class ResourceQuota(Part, frozen=True):
    """How much a namespace may have."""

    metadata: ObjectMeta = ObjectMeta()
    spec: QuotaSpec = QuotaSpec()
    status: dict[str, Any] | None = None


def validate(quota: ResourceQuota) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidateResourceQuotaSpec."""
    yield from check_name(quota.metadata.name, dns_subdomain)
    for name, value in (quota.spec.hard or {}).items():
        try:
            negative = parse_quantity(str(value)) < 0
        except ValueError:
            yield invalid(f"spec.hard[{name}]", value, "quantities must match the regular expression "
                          "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")  # fmt: skip
            continue
        if negative:
            yield invalid(f"spec.hard[{name}]", value, "must be greater than or equal to 0")
    for i, scope in enumerate(quota.spec.scopes):
        if scope not in SCOPES:
            yield unsupported(f"spec.scopes[{i}]", scope, SCOPES)


def _shown(want: bool) -> Any:
    """`pods: 1/2`, for limits or for everything else."""

    def read(raw: Json, _now: float) -> str:
        status = raw.get("status") or {}
        hard, used = status.get("hard") or {}, status.get("used") or {}
        rows = [
            f"{k}: {used.get(k, 0)}/{v}" for k, v in sorted(hard.items()) if k.startswith("limits.") == want
        ]
        return ", ".join(rows)

    return read


KIND = Kind(
    group="",
    name="ResourceQuota",
    plural="resourcequotas",
    singular="resourcequota",
    short_names=("quota",),
    model=ResourceQuota,
    validate=validate,
    columns=(
        Column("Request", _shown(want=False)),
        Column("Limit", _shown(want=True)),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    has_generation=False,
    builtin=True,
)
