"""apps/v1 StatefulSet: pods with stable names and volumes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.apps.selector import LabelSelector, check_workload
from hauberk.kinds.core.pod import spec_advice
from hauberk.kinds.core.pod_defaults import default_template
from hauberk.kinds.core.podspec import PodTemplateSpec
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check_name, dns_subdomain


class StatefulSetSpec(Part, frozen=True):
    """The wanted pods."""

    replicas: int | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    service_name: str = ""
    pod_management_policy: str = ""
    update_strategy: dict[str, Any] | None = None
    revision_history_limit: int | None = None
    min_ready_seconds: int = 0
    volume_claim_templates: tuple[dict[str, Any], ...] = ()
    persistent_volume_claim_retention_policy: dict[str, Any] | None = None
    ordinals: dict[str, Any] | None = None


class StatefulSet(Part, frozen=True):
    """Pods with stable names and volumes of their own."""

    metadata: ObjectMeta = ObjectMeta()
    spec: StatefulSetSpec = StatefulSetSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/apps/v1/defaults.go, SetDefaults_StatefulSet."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        if spec.get("replicas") is None:
            spec["replicas"] = 1
        spec.setdefault("podManagementPolicy", "OrderedReady")
        spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
        spec.setdefault("revisionHistoryLimit", 10)
        default_template(raw)
    return raw


def validate(workload: StatefulSet) -> FieldErrors:
    """Source: kubernetes pkg/apis/apps/validation/validation.go, ValidateStatefulSetSpec.

    Deviation: mounts of claim templates count as volumes of the template.
    """
    yield from check_name(workload.metadata.name, dns_subdomain)
    spec = workload.spec
    claims = {(c.get("metadata") or {}).get("name") for c in spec.volume_claim_templates}
    for error in check_workload(spec.selector, spec.template, spec.replicas):
        if error.reason == "FieldValueNotFound" and any(error.message.endswith(f'"{c}"') for c in claims):
            continue
        yield error


def advice(raw: Json) -> Iterator[str]:
    """Advice about the template, and about how it is rolled out."""
    spec = raw.get("spec") or {}
    if ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("maxUnavailable"):
        yield "spec.updateStrategy.rollingUpdate.maxUnavailable: has no effect: one pod at a time is replaced"
    template = spec.get("template") or {}
    yield from spec_advice(template.get("spec") or {}, "spec.template.spec")


def _ready(raw: Json, _now: float) -> str:
    ready = (raw.get("status") or {}).get("readyReplicas") or 0
    return f"{ready}/{(raw.get('spec') or {}).get('replicas', 0)}"


KIND = Kind(
    group="apps",
    name="StatefulSet",
    plural="statefulsets",
    singular="statefulset",
    short_names=("sts",),
    categories=("all",),
    model=StatefulSet,
    default=default,
    validate=validate,
    advice=advice,
    columns=(
        Column("Ready", _ready),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status", "scale"),
    builtin=True,
)
