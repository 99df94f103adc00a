"""sinks.knative.dev/v1alpha1 JobSink: a Job for every event.

Source: knative/eventing pkg/apis/sinks/v1alpha1/job_sink_{types,defaults,validation}.go.
"""

from __future__ import annotations

import copy
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.kinds.batch import job as batch
from hauberk.kinds.eventing.stored import AGE, READY, URL
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import one_of_neither

_GIVEN = ("metadata.name", "spec.selector")  # what a Job gets when it is made
MODE = {"name": "KNATIVE_EXECUTION_MODE", "value": "batch"}


class JobSinkSpec(Part, frozen=True):
    """Which Job."""

    job: Annotated[
        dict[str, Any] | None,
        Meta(
            description="A batch/v1 Job; its containers find the event in the file `event` of K_EVENT_PATH."
        ),
    ] = None


class JobSink(Part, frozen=True):
    """A JobSink runs a Job for every event that it takes."""

    metadata: ObjectMeta = ObjectMeta()
    spec: JobSinkSpec = JobSinkSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Containers are told that they run as a batch."""
    for container in containers_of((raw.get("spec") or {}).get("job")):
        env = container.setdefault("env", [])
        if isinstance(env, list) and not any(e.get("name") == MODE["name"] for e in env):
            env.append(dict(MODE))
    return raw


def containers_of(job: Any) -> list[dict[str, Any]]:
    """All containers of a Job's template, whatever its shape."""
    value: Any = job
    for key in ("spec", "template", "spec"):
        value = value.get(key) if isinstance(value, dict) else None
    found = [] if not isinstance(value, dict) else [value.get("containers"), value.get("initContainers")]
    return [c for some in found if isinstance(some, list) for c in some if isinstance(c, dict)]


def validate(sink: JobSink) -> FieldErrors:
    """There is a Job, and it is one that can be made.

    Source: JobSinkSpec.Validate; upstream's webhook tries the Job's creation.
    """
    if sink.spec.job is None:
        yield from one_of_neither("spec.job")
        return
    raw = batch.default(copy.deepcopy({"metadata": {}, **sink.spec.job}))
    try:
        job = batch.KIND.parse(raw)
    except msgspec.ValidationError as error:
        yield FieldError("spec.job", str(error))
        return
    yield from (e.under("spec.job") for e in batch.validate(job) if e.path not in _GIVEN)


KIND = Kind(
    group="sinks.knative.dev",
    name="JobSink",
    plural="jobsinks",
    versions=("v1alpha1",),
    categories=("all", "knative", "eventing", "sinks"),
    model=JobSink,
    validate=validate,
    default=default,
    columns=(URL, AGE, *READY),
)
