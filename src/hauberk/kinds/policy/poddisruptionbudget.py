"""policy/v1 PodDisruptionBudget: how many pods may be missing while somebody evicts them."""

from __future__ import annotations

from typing import Annotated, Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.container import IntOrString
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import at_least, check_name, dns_subdomain, invalid, unsupported
from hauberk.kinds.selectors import LabelSelector

POLICIES = ("AlwaysAllow", "IfHealthyBudget")


class BudgetSpec(Part, frozen=True):
    """Which pods, and how many."""

    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str | None = None


class BudgetStatus(Part, frozen=True):
    """What is allowed now."""

    observed_generation: int = 0
    disrupted_pods: dict[str, Any] | None = None
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()


class PodDisruptionBudget(Part, frozen=True):
    """How many pods may be missing while somebody evicts them."""

    metadata: ObjectMeta = ObjectMeta()
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


def validate(budget: PodDisruptionBudget) -> FieldErrors:
    """Source: kubernetes pkg/apis/policy/validation/validation.go, ValidatePodDisruptionBudgetSpec."""
    yield from check_name(budget.metadata.name, dns_subdomain)
    spec = budget.spec
    if spec.min_available is not None and spec.max_unavailable is not None:
        yield invalid("spec", "", "minAvailable and maxUnavailable cannot be both set")
    for name, value in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        yield from _check(f"spec.{name}", value)
    policy = spec.unhealthy_pod_eviction_policy
    if policy is not None and policy not in POLICIES:
        yield unsupported("spec.unhealthyPodEvictionPolicy", policy, POLICIES)


def _check(path: str, value: int | str | None) -> FieldErrors:
    if isinstance(value, int):
        yield from at_least(path, value)
    elif value is not None and not (value.endswith("%") and value[:-1].isdigit()):
        yield invalid(
            path,
            value,
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
            "'93%', regex used for validation is '[0-9]+%')",
        )
    elif value is not None and int(value[:-1]) > 100:
        yield invalid(path, value, "must not be greater than 100%")


def _shown(name: str) -> Any:
    def read(raw: Json, _now: float) -> str:
        value = (raw.get("spec") or {}).get(name)
        return "N/A" if value is None else str(value)

    return read


KIND = Kind(
    group="policy",
    name="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    singular="poddisruptionbudget",
    short_names=("pdb",),
    model=PodDisruptionBudget,
    validate=validate,
    columns=(
        Column("Min Available", _shown("minAvailable")),
        Column("Max Unavailable", _shown("maxUnavailable")),
        Column("Allowed Disruptions", ".status.disruptionsAllowed", "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    builtin=True,
)
