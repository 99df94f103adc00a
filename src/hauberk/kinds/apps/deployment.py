"""apps/v1 Deployment: pods from a template, replaced step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.apps.selector import WIDE, LabelSelector, check_workload, count
from hauberk.kinds.core.container import IntOrString
from hauberk.kinds.core.pod import spec_advice
from hauberk.kinds.core.pod_defaults import default_template
from hauberk.kinds.core.podspec import PodTemplateSpec
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import at_least, check_name, dns_subdomain, forbidden, invalid, unsupported

STRATEGIES = ("Recreate", "RollingUpdate")


class RollingUpdate(Part, frozen=True):
    """How many pods may be too many or missing during a rollout; numbers or percents."""

    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None


class Strategy(Part, frozen=True):
    """How old pods are replaced."""

    type: str = ""
    rolling_update: RollingUpdate | None = None


class DeploymentSpec(Part, frozen=True):
    """The wanted pods."""

    replicas: Annotated[int | None, Meta(description="Wanted pods; default 1.")] = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    strategy: Strategy = Strategy()
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None
    progress_deadline_seconds: int | None = None
    paused: bool = False


class DeploymentStatus(Part, frozen=True):
    """The pods there are."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    terminating_replicas: int | None = None
    collision_count: int | None = None
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()


class Deployment(Part, frozen=True):
    """Pods from a template, replaced step by step when the template changes."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/apps/v1/defaults.go, SetDefaults_Deployment."""
    spec = raw.setdefault("spec", {})
    if not isinstance(spec, dict):
        return raw
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    strategy = spec.setdefault("strategy", {})
    if isinstance(strategy, dict):
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.get("rollingUpdate") or {}
            strategy["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%", **rolling}
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    default_template(raw)
    return raw


def validate(deployment: Deployment) -> FieldErrors:
    """Source: kubernetes pkg/apis/apps/validation/validation.go, ValidateDeploymentSpec."""
    yield from check_name(deployment.metadata.name, dns_subdomain)
    spec = deployment.spec
    yield from check_workload(spec.selector, spec.template, spec.replicas)
    yield from _check_strategy(spec.strategy)
    yield from at_least("spec.minReadySeconds", spec.min_ready_seconds)
    yield from at_least("spec.revisionHistoryLimit", spec.revision_history_limit)
    yield from at_least("spec.progressDeadlineSeconds", spec.progress_deadline_seconds)
    deadline = spec.progress_deadline_seconds
    if deadline is not None and deadline <= spec.min_ready_seconds:
        yield invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _check_strategy(strategy: Strategy) -> FieldErrors:
    path = "spec.strategy"
    rolling = strategy.rolling_update
    if strategy.type == "Recreate":
        if rolling is not None:
            yield forbidden(
                f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
            )
    elif strategy.type not in ("", "RollingUpdate"):
        yield unsupported(f"{path}.type", strategy.type, STRATEGIES)
    elif rolling is not None:
        yield from _check_amount(rolling.max_unavailable, f"{path}.rollingUpdate.maxUnavailable")
        yield from _check_amount(rolling.max_surge, f"{path}.rollingUpdate.maxSurge")
        if rolling.max_unavailable in (0, "0%") and rolling.max_surge in (0, "0%"):
            at = f"{path}.rollingUpdate.maxUnavailable"
            yield invalid(at, rolling.max_unavailable, "may not be 0 when `maxSurge` is 0")


def _check_amount(value: int | str | None, path: str) -> FieldErrors:
    if isinstance(value, str):
        if not (value.endswith("%") and value[:-1].isdigit()):
            yield invalid(
                path,
                value,
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
                "'93%', regex used for validation is '[0-9]+%')",
            )
        elif path.endswith("maxUnavailable") and int(value[:-1]) > 100:
            yield invalid(path, value, "must not be greater than 100%")
    else:
        yield from at_least(path, value)


def advice(raw: Json) -> Iterator[str]:
    """Advice about the template."""
    template = (raw.get("spec") or {}).get("template") or {}
    yield from spec_advice(template.get("spec") or {}, "spec.template.spec")


def _ready(raw: Json, _now: float) -> str:
    ready = (raw.get("status") or {}).get("readyReplicas") or 0
    return f"{ready}/{(raw.get('spec') or {}).get('replicas', 0)}"


KIND = Kind(
    group="apps",
    name="Deployment",
    plural="deployments",
    singular="deployment",
    short_names=("deploy",),
    categories=("all",),
    model=Deployment,
    default=default,
    validate=validate,
    advice=advice,
    columns=(
        Column("Ready", _ready),
        Column("Up-to-date", count("status", "updatedReplicas"), "integer"),
        Column("Available", count("status", "availableReplicas"), "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        *WIDE,
    ),
    subresources=("status", "scale"),
    builtin=True,
)
