"""apps/v1 DaemonSet: one pod per node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.apps.selector import LabelSelector, check_workload, count
from hauberk.kinds.core.pod import spec_advice
from hauberk.kinds.core.pod_defaults import default_template
from hauberk.kinds.core.podspec import PodTemplateSpec
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check_name, dns_subdomain


class DaemonSetSpec(Part, frozen=True):
    """The wanted pods."""

    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    update_strategy: dict[str, Any] | None = None
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None


class DaemonSet(Part, frozen=True):
    """One pod on every node."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DaemonSetSpec = DaemonSetSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/apps/v1/defaults.go, SetDefaults_DaemonSet."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
        spec.setdefault("updateStrategy", rolling)
        spec.setdefault("revisionHistoryLimit", 10)
        default_template(raw)
    return raw


def validate(workload: DaemonSet) -> FieldErrors:
    """Source: kubernetes pkg/apis/apps/validation/validation.go, ValidateDaemonSetSpec."""
    yield from check_name(workload.metadata.name, dns_subdomain)
    yield from check_workload(workload.spec.selector, workload.spec.template, None)


def advice(raw: Json) -> Iterator[str]:
    """Advice about the template."""
    template = (raw.get("spec") or {}).get("template") or {}
    yield from spec_advice(template.get("spec") or {}, "spec.template.spec")


KIND = Kind(
    group="apps",
    name="DaemonSet",
    plural="daemonsets",
    singular="daemonset",
    short_names=("ds",),
    categories=("all",),
    model=DaemonSet,
    default=default,
    validate=validate,
    advice=advice,
    columns=(
        Column("Desired", count("status", "desiredNumberScheduled"), "integer"),
        Column("Current", count("status", "currentNumberScheduled"), "integer"),
        Column("Ready", count("status", "numberReady"), "integer"),
        Column("Up-to-date", count("status", "updatedNumberScheduled"), "integer"),
        Column("Available", count("status", "numberAvailable"), "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    builtin=True,
)
