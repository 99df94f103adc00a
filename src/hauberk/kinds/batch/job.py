"""batch/v1 Job: pods that run to their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.base.times import age, epoch
from hauberk.kinds.apps.selector import LabelSelector
from hauberk.kinds.core.pod import spec_advice
from hauberk.kinds.core.pod_defaults import default_template
from hauberk.kinds.core.pod_rules import check_template
from hauberk.kinds.core.podspec import PodTemplateSpec
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import at_least, check_name, dns_subdomain, invalid, required, unsupported

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
MODES = ("Indexed", "NonIndexed")
REPLACEMENTS = ("Failed", "TerminatingOrFailed")
_NO_LIMIT = 2**31 - 1


class ExitCodes(Part, frozen=True):
    """A rule about how a container ended."""

    container_name: str | None = None
    operator: str = ""
    values: tuple[int, ...] = ()


class FailureRule(Part, frozen=True):
    """What a pod's failure leads to."""

    action: str = ""
    on_exit_codes: ExitCodes | None = None
    on_pod_conditions: tuple[dict[str, Any], ...] = ()


class FailurePolicy(Part, frozen=True):
    """Rules, of which the first that matches counts."""

    rules: tuple[FailureRule, ...] = ()


class SuccessRule(Part, frozen=True):
    """Indexes that suffice."""

    succeeded_indexes: str | None = None
    succeeded_count: int | None = None


class SuccessPolicy(Part, frozen=True):
    """Rules, one of which suffices."""

    rules: tuple[SuccessRule, ...] = ()


class JobSpec(Part, frozen=True):
    """The work to do."""

    __inert__: ClassVar[tuple[str, ...]] = ("managedBy",)

    parallelism: Annotated[int | None, Meta(description="Pods at a time; default 1.")] = None
    completions: Annotated[int | None, Meta(description="Pods that must succeed.")] = None
    active_deadline_seconds: int | None = None
    pod_failure_policy: FailurePolicy | None = None
    success_policy: SuccessPolicy | None = None
    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    max_failed_indexes: int | None = None
    selector: LabelSelector | None = None
    manual_selector: bool | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    ttl_seconds_after_finished: int | None = None
    completion_mode: str = ""
    suspend: bool = False
    pod_replacement_policy: str = ""


class JobStatus(Part, frozen=True):
    """How far the work is."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    ready: int | None = None
    terminating: int | None = None
    start_time: str | None = None
    completion_time: str | None = None
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted_terminated_pods: dict[str, Any] | None = None
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()


class Job(Part, frozen=True):
    """Pods that run to their end."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Defaults, and the selector and labels that follow from the Job's uid.

    Source: kubernetes pkg/apis/batch/v1/defaults.go, SetDefaults_Job; pkg/registry/batch/job/strategy.go,
    generateSelector.
    """
    spec = raw.setdefault("spec", {})
    if not isinstance(spec, dict):
        return raw
    default_spec(spec)
    default_template(raw)
    meta, template = raw["metadata"], spec.get("template")
    if not isinstance(template, dict):
        return raw
    if not meta.get("labels") and (template.get("metadata") or {}).get("labels"):
        meta["labels"] = dict(template["metadata"]["labels"])
    if not spec.get("selector") and not spec.get("manualSelector") and meta.get("uid"):
        uid, name = meta["uid"], meta.get("name", "")
        mine = {CONTROLLER_UID: uid, "controller-uid": uid, JOB_NAME: name, "job-name": name}
        given = template.get("metadata") or {}
        template["metadata"] = {**given, "labels": {**(given.get("labels") or {}), **mine}}
        spec["selector"] = {"matchLabels": {CONTROLLER_UID: uid}}
    return raw


def default_spec(spec: dict[str, Any]) -> None:
    """The defaults of a Job's specification, without its template."""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = _NO_LIMIT if spec.get("backoffLimitPerIndex") is not None else 6
    spec["completionMode"] = spec.get("completionMode") or "NonIndexed"
    spec["suspend"] = bool(spec.get("suspend"))
    replaced = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    spec["podReplacementPolicy"] = spec.get("podReplacementPolicy") or replaced


def validate(job: Job) -> FieldErrors:
    """Source: kubernetes pkg/apis/batch/validation/validation.go, ValidateJob."""
    yield from check_name(job.metadata.name, dns_subdomain)
    if job.spec.selector is None:
        yield required("spec.selector")
    yield from check_spec(job.spec, "spec")


def check_spec(spec: JobSpec, path: str) -> FieldErrors:
    """A Job's specification, alone or in a CronJob."""
    numbers = {
        "parallelism": spec.parallelism,
        "completions": spec.completions,
        "activeDeadlineSeconds": spec.active_deadline_seconds,
        "backoffLimit": spec.backoff_limit,
        "ttlSecondsAfterFinished": spec.ttl_seconds_after_finished,
        "backoffLimitPerIndex": spec.backoff_limit_per_index,
        "maxFailedIndexes": spec.max_failed_indexes,
    }
    for name, value in numbers.items():
        yield from at_least(f"{path}.{name}", value)
    yield from _check_mode(spec, path)
    if spec.pod_replacement_policy not in ("", *REPLACEMENTS):
        yield unsupported(f"{path}.podReplacementPolicy", spec.pod_replacement_policy, REPLACEMENTS)
    yield from check_template(spec.template, f"{path}.template")
    yield from _check_policies(spec, path)
    policy, at = spec.template.spec.restart_policy, f"{path}.template.spec.restartPolicy"
    if policy == "Always":
        yield required(at, 'valid values: "OnFailure", "Never"')
    elif policy not in ("", "OnFailure", "Never"):
        yield unsupported(at, policy, ("OnFailure", "Never"))
    elif policy == "OnFailure" and spec.pod_failure_policy is not None:
        yield invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _check_mode(spec: JobSpec, path: str) -> FieldErrors:
    if spec.completion_mode not in ("", *MODES):
        yield unsupported(f"{path}.completionMode", spec.completion_mode, MODES)
    if spec.completion_mode == "Indexed":
        if spec.completions is None:
            yield required(f"{path}.completions", "when completion mode is Indexed")
        return
    said = (
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
    )
    for name, value in said:
        if value is not None:
            yield invalid(f"{path}.{name}", value, "requires indexed completion mode")
    if spec.success_policy is not None:
        yield invalid(f"{path}.successPolicy", "", "requires indexed completion mode")


_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")


def _check_policies(spec: JobSpec, path: str) -> FieldErrors:
    for i, rule in enumerate(spec.pod_failure_policy.rules if spec.pod_failure_policy else ()):
        at = f"{path}.podFailurePolicy.rules[{i}]"
        if rule.action not in _ACTIONS:
            yield unsupported(f"{at}.action", rule.action, _ACTIONS)
        if (rule.on_exit_codes is None) == (not rule.on_pod_conditions):
            yield invalid(at, "", "specifying one of OnExitCodes and OnPodConditions is required")
        codes = rule.on_exit_codes
        if codes is not None and codes.operator not in ("In", "NotIn"):
            yield unsupported(f"{at}.onExitCodes.operator", codes.operator, ("In", "NotIn"))
        if codes is not None and codes.operator == "In" and 0 in codes.values:
            where = f"{at}.onExitCodes.values[{codes.values.index(0)}]"
            yield invalid(where, 0, "must not be 0 for the In operator")


def validate_update(old: Json, new: Json) -> FieldErrors:
    """What of the work is fixed: its pods (but while it is suspended), its size, what it selects."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    idle = before.get("suspend") and not (old.get("status") or {}).get("startTime")
    elastic = (
        after.get("completionMode") == "Indexed"
        and after.get("completions") == after.get("parallelism")
        and after.get("completions") is not None
    )
    fixed = ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "successPolicy"]
    fixed += [] if idle else ["template"]
    fixed += [] if elastic else ["completions"]
    for name in fixed:
        if before.get(name) != after.get(name):
            yield invalid(f"spec.{name}", after.get(name), "field is immutable")


def advice(raw: Json) -> Iterator[str]:
    """Warnings about the pods."""
    template = (raw.get("spec") or {}).get("template") or {}
    yield from spec_advice(template.get("spec") or {}, "spec.template.spec")


def _status(job: Json, _now: float) -> str:
    status, spec = job.get("status") or {}, job.get("spec") or {}
    true = {row["type"] for row in status.get("conditions") or () if row.get("status") == "True"}
    shown = {"FailureTarget": "FailureTarget", "SuccessCriteriaMet": "SuccessCriteriaMet"}
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for kind in ("Complete", "Failed", "Suspended", *shown):
        if kind in true:
            return kind
    return "Suspended" if spec.get("suspend") else "Running"


def _completions(job: Json, _now: float) -> str:
    status, spec = job.get("status") or {}, job.get("spec") or {}
    done, wanted, pods = status.get("succeeded", 0), spec.get("completions"), spec.get("parallelism", 1)
    if wanted is not None:
        return f"{done}/{wanted}"
    return f"{done}/1 of {pods}" if pods > 1 else f"{done}/1"


def _duration(job: Json, now: float) -> str:
    status = job.get("status") or {}
    if not status.get("startTime"):
        return ""
    failed = [
        r for r in status.get("conditions") or () if r.get("type") == "Failed" and r["status"] == "True"
    ]
    ended = status.get("completionTime") or (failed[0].get("lastTransitionTime") if failed else None)
    return age((epoch(ended) if ended else now) - epoch(status["startTime"]))


KIND = Kind(
    group="batch",
    name="Job",
    plural="jobs",
    singular="job",
    categories=("all",),
    model=Job,
    default=default,
    validate=validate,
    validate_update=validate_update,
    advice=advice,
    columns=(
        Column("Status", _status),
        Column("Completions", _completions),
        Column("Duration", _duration),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    builtin=True,
)
