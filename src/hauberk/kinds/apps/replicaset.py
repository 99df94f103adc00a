"""apps/v1 ReplicaSet: a number of pods from one template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json, controller_of
from hauberk.kinds.apps.selector import WIDE, LabelSelector, check_workload, count
from hauberk.kinds.core.pod import spec_advice
from hauberk.kinds.core.pod_defaults import default_template
from hauberk.kinds.core.podspec import PodTemplateSpec
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import at_least, check_name, dns_subdomain


class ReplicaSetSpec(Part, frozen=True):
    """The wanted pods."""

    replicas: int | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    min_ready_seconds: int = 0


class ReplicaSetStatus(Part, frozen=True):
    """The pods there are."""

    observed_generation: int = 0
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int | None = None
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()


class ReplicaSet(Part, frozen=True):
    """A number of pods from one template; Deployments make them."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/apps/v1/defaults.go, SetDefaults_ReplicaSet."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        if spec.get("replicas") is None:
            spec["replicas"] = 1
        default_template(raw)
    return raw


def validate(workload: ReplicaSet) -> FieldErrors:
    """Source: kubernetes pkg/apis/apps/validation/validation.go, ValidateReplicaSetSpec."""
    yield from check_name(workload.metadata.name, dns_subdomain)
    yield from check_workload(workload.spec.selector, workload.spec.template, workload.spec.replicas)
    yield from at_least("spec.minReadySeconds", workload.spec.min_ready_seconds)


def advice(raw: Json) -> Iterator[str]:
    """Advice about the template, unless a Deployment made it and said so already."""
    if controller_of(raw) is None:
        template = (raw.get("spec") or {}).get("template") or {}
        yield from spec_advice(template.get("spec") or {}, "spec.template.spec")


KIND = Kind(
    group="apps",
    name="ReplicaSet",
    plural="replicasets",
    singular="replicaset",
    short_names=("rs",),
    categories=("all",),
    model=ReplicaSet,
    default=default,
    validate=validate,
    advice=advice,
    columns=(
        Column("Desired", count("spec", "replicas"), "integer"),
        Column("Current", count("status", "replicas"), "integer"),
        Column("Ready", count("status", "readyReplicas"), "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        *WIDE,
    ),
    subresources=("status", "scale"),
    builtin=True,
)
