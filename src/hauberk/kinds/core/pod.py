"""v1 Pod: containers that share one network namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.pod_columns import COLUMNS
from hauberk.kinds.core.pod_defaults import default_pod
from hauberk.kinds.core.pod_rules import check_pod_spec
from hauberk.kinds.core.podspec import PodSpec, PodStatus
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.rules import check_name, dns_subdomain, forbidden

NODE = "hauberk"

_FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


class Pod(Part, frozen=True):
    """Containers that share one network namespace, one address and their volumes."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


def validate(pod: Pod) -> FieldErrors:
    """Upstream's rules for the parts that act."""
    yield from check_name(pod.metadata.name, dns_subdomain)
    yield from check_pod_spec(pod.spec, "spec")


def validate_update(old: Json, new: Json) -> FieldErrors:
    """A pod's spec is fixed but for images, the deadline, added tolerations and the node (once).

    Source: kubernetes pkg/apis/core/validation/validation.go, ValidatePodUpdate.
    """
    before, after = _fixed(old, new), _fixed(new, new)
    if before != after:
        yield forbidden("spec", _FIXED)


def _fixed(pod: Json, wanted: Json) -> dict[str, Any]:
    """The spec without what an update may change."""
    spec = dict(pod.get("spec") or {})
    for key in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"):
        spec.pop(key, None)
    for key in ("containers", "initContainers"):
        spec[key] = [{k: v for k, v in c.items() if k != "image"} for c in spec.get(key) or ()]
    if not spec.get("nodeName"):  # the binding of a pod that has no node yet
        spec["nodeName"] = (wanted.get("spec") or {}).get("nodeName")
    return spec


def spec_advice(spec: Json, path: str) -> Iterator[str]:
    """What of a pod spec works differently here or is a likely mistake."""
    for section in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(section) or ()):
            yield from _hidden_variables(container, f"{path}.{section}[{i}]")
    scheduler = spec.get("schedulerName")
    if scheduler not in (None, "", "default-scheduler"):
        yield f"{path}.schedulerName: there is no scheduler `{scheduler}`; the pod is placed on the one node"
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    affinity = spec.get("affinity") or {}
    for part in ("nodeAffinity", "podAffinity", "podAntiAffinity"):
        if (affinity.get(part) or {}).get(required):
            yield f"{path}.affinity.{part}.{required}: has no effect: the embedded cluster has one node"


def _hidden_variables(container: Json, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for i, variable in enumerate(container.get("env") or ()):
        name = variable.get("name", "")
        if name in seen:
            yield (
                f'{path}.env[{i}]: hides previous definition of "{name}", which may be dropped when using '
                "apply"
            )
        seen.add(name)


def advice(raw: Json) -> Iterator[str]:
    """Advice about a Pod."""
    yield from spec_advice(raw.get("spec") or {}, "spec")


KIND = Kind(
    group="",
    name="Pod",
    plural="pods",
    singular="pod",
    short_names=("po",),
    categories=("all",),
    model=Pod,
    validate=validate,
    validate_update=validate_update,
    default=default_pod,
    advice=advice,
    columns=COLUMNS,
    subresources=("status", "log", "exec", "binding", "eviction"),
    builtin=True,
)
