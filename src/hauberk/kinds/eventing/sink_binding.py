"""sources.knative.dev/v1 SinkBinding: tells the pods of workloads where to send events.

Source: knative/eventing pkg/apis/sources/v1/sinkbinding_{types,defaults,validation}.go; knative.dev/pkg
tracker/interface.go (Reference.Validate).
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.kinds.apps.selector import LabelSelector
from hauberk.kinds.eventing.parts import default_destination
from hauberk.kinds.eventing.source import CATEGORIES, SourceSpec, check_source
from hauberk.kinds.eventing.stored import AGE, READY, SINK
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import invalid, missing, one_of_both, one_of_neither

INCLUDE, EXCLUDE = "bindings.knative.dev/include", "bindings.knative.dev/exclude"
SUBJECTS = (
    "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "ReplicaSet.apps", "Job.batch", "CronJob.batch",
    "Service.serving.knative.dev", "Configuration.serving.knative.dev",
)  # fmt: skip


class Subject(Part, frozen=True):
    """Workloads with a pod template: one by name, or those with some labels."""

    api_version: str = ""
    kind: str = ""
    namespace: Annotated[str, Meta(description="The binding's own; no other is allowed.")] = ""
    name: str = ""
    selector: LabelSelector | None = None


class SinkBindingSpec(SourceSpec, frozen=True):
    """Whom to tell, and what."""

    subject: Subject = Subject()


class SinkBinding(Part, frozen=True):
    """A SinkBinding puts the address of its sink into `K_SINK` of its subjects' containers."""

    metadata: ObjectMeta = ObjectMeta()
    spec: SinkBindingSpec = SinkBindingSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Sink and subject are in the binding's namespace."""
    spec, namespace = raw.setdefault("spec", {}), raw.get("metadata", {}).get("namespace")
    default_destination(spec, namespace, "sink")
    subject = spec.get("subject")
    if isinstance(subject, dict) and namespace and not subject.get("namespace"):
        subject["namespace"] = namespace
    return raw


def validate(binding: SinkBinding) -> FieldErrors:
    """Rules that span fields."""
    subject, home = binding.spec.subject, binding.metadata.namespace
    for name in ("api_version", "kind", "namespace"):
        if not getattr(subject, name):
            yield missing(f"spec.subject.{'apiVersion' if name == 'api_version' else name}")
    paths = ("spec.subject.name", "spec.subject.selector")
    if subject.name and subject.selector is not None:
        yield from one_of_both(*paths)
    elif not subject.name and subject.selector is None:
        yield from one_of_neither(*paths)
    if subject.namespace and home and subject.namespace != home:
        yield invalid(subject.namespace, "spec.subject.namespace")
    yield from check_source(binding.spec)


KIND = Kind(
    group="sources.knative.dev",
    name="SinkBinding",
    plural="sinkbindings",
    categories=(*CATEGORIES, "bindings"),
    model=SinkBinding,
    validate=validate,
    default=default,
    columns=(SINK, AGE, *READY),
)
