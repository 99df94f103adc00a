"""batch/v1 CronJob: jobs by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from hauberk.base.cron import BadSchedule, BadZone, parse, zone_of
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.batch.job import JobSpec, check_spec, default_spec
from hauberk.kinds.core.pod import spec_advice
from hauberk.kinds.core.pod_defaults import default_template
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import (
    at_least,
    check_name,
    dns_subdomain,
    invalid,
    required,
    unsupported,
)

POLICIES = ("Allow", "Forbid", "Replace")
MAX_NAME = 52  # a Job's name has 11 characters more, and 63 are allowed


class JobTemplate(Part, frozen=True):
    """A Job to be made."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()


class CronJobSpec(Part, frozen=True):
    """When, and what."""

    schedule: str = ""
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str = ""
    suspend: bool = False
    job_template: JobTemplate = JobTemplate()
    successful_jobs_history_limit: int | None = None
    failed_jobs_history_limit: int | None = None


class CronJobStatus(Part, frozen=True):
    """What runs, and what ran last."""

    active: Annotated[tuple[dict[str, Any], ...], merge_by("uid")] = ()
    last_schedule_time: str | None = None
    last_successful_time: str | None = None


class CronJob(Part, frozen=True):
    """Jobs by the clock."""

    metadata: ObjectMeta = ObjectMeta()
    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/batch/v1/defaults.go, SetDefaults_CronJob."""
    spec = raw.setdefault("spec", {})
    if not isinstance(spec, dict):
        return raw
    spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
    spec["suspend"] = bool(spec.get("suspend"))
    if spec.get("successfulJobsHistoryLimit") is None:
        spec["successfulJobsHistoryLimit"] = 3
    if spec.get("failedJobsHistoryLimit") is None:
        spec["failedJobsHistoryLimit"] = 1
    template = spec.get("jobTemplate")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        default_template(template)
    return raw


def filled(template: Json) -> dict[str, Any]:
    """The specification of a Job of this template, with the defaults a Job gets."""
    spec = dict(template.get("spec") or {})
    default_spec(spec)
    return spec


def validate(cron: CronJob) -> FieldErrors:
    """Source: kubernetes pkg/apis/batch/validation/validation.go, ValidateCronJobCreate."""
    yield from check_name(cron.metadata.name, dns_subdomain)
    if len(cron.metadata.name) > MAX_NAME:
        yield invalid("metadata.name", cron.metadata.name, f"must be no more than {MAX_NAME} characters")
    spec = cron.spec
    yield from _check_schedule(spec)
    yield from _check_zone(spec.time_zone)
    if spec.concurrency_policy not in ("", *POLICIES):
        yield unsupported("spec.concurrencyPolicy", spec.concurrency_policy, POLICIES)
    yield from at_least("spec.startingDeadlineSeconds", spec.starting_deadline_seconds)
    yield from at_least("spec.successfulJobsHistoryLimit", spec.successful_jobs_history_limit)
    yield from at_least("spec.failedJobsHistoryLimit", spec.failed_jobs_history_limit)
    yield from check_spec(spec.job_template.spec, "spec.jobTemplate.spec")


def _check_schedule(spec: CronJobSpec) -> FieldErrors:
    if not spec.schedule:
        yield required("spec.schedule")
        return
    if "TZ" in spec.schedule:
        told = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield invalid("spec.schedule", spec.schedule, told)
        return
    try:
        parse(spec.schedule)
    except BadSchedule as error:
        yield invalid("spec.schedule", spec.schedule, str(error))


def _check_zone(zone: str | None) -> Iterator[FieldError]:
    if zone is None:
        return
    if not zone:
        yield invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
        return
    if zone.lower() == "local":
        yield invalid("spec.timeZone", zone, "timeZone must be an explicit time zone as defined in "
                      "https://www.iana.org/time-zones")  # fmt: skip
        return
    try:
        zone_of(zone)
    except BadZone:
        yield invalid("spec.timeZone", zone, f"unknown time zone {zone}")


def advice(raw: Json) -> Iterator[str]:
    """Warnings about the pods."""
    job = ((raw.get("spec") or {}).get("jobTemplate") or {}).get("spec") or {}
    template = job.get("template") or {}
    yield from spec_advice(template.get("spec") or {}, "spec.jobTemplate.spec.template.spec")


def _active(cron: Json, _now: float) -> int:
    return len((cron.get("status") or {}).get("active") or ())


def _zone(cron: Json, _now: float) -> str:
    return (cron.get("spec") or {}).get("timeZone") or "<none>"


KIND = Kind(
    group="batch",
    name="CronJob",
    plural="cronjobs",
    singular="cronjob",
    short_names=("cj",),
    categories=("all",),
    model=CronJob,
    default=default,
    validate=validate,
    advice=advice,
    columns=(
        Column("Schedule", ".spec.schedule"),
        Column("Timezone", _zone),
        Column("Suspend", ".spec.suspend", "boolean"),
        Column("Active", _active, "integer"),
        Column("Last Schedule", ".status.lastScheduleTime", "date"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    builtin=True,
)
