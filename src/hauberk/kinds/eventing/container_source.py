"""sources.knative.dev/v1 ContainerSource: containers that send events to where they are told.

Source: knative/eventing pkg/apis/sources/v1/container_{types,defaults,validation}.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.pod import spec_advice
from hauberk.kinds.core.podspec import PodTemplateSpec
from hauberk.kinds.eventing.parts import default_destination
from hauberk.kinds.eventing.source import CATEGORIES, SourceSpec, check_source
from hauberk.kinds.eventing.stored import AGE, READY, SINK
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing


class ContainerSourceSpec(SourceSpec, frozen=True):
    """Which containers; they find the sink in `K_SINK` and what to add to events in `K_CE_OVERRIDES`."""

    template: PodTemplateSpec = PodTemplateSpec()


class ContainerSource(Part, frozen=True):
    """A ContainerSource runs containers and tells them where to send their events."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ContainerSourceSpec = ContainerSourceSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Containers are called user-container-N, and the sink is in the source's namespace.

    Source: container_defaults.go, ContainerSourceSpec.SetDefaults.
    """
    spec = raw.setdefault("spec", {})
    default_destination(spec, raw.get("metadata", {}).get("namespace"), "sink")
    template = spec.get("template")
    inner = template.get("spec") if isinstance(template, dict) else None
    containers = inner.get("containers") if isinstance(inner, dict) else None
    for i, container in enumerate(containers if isinstance(containers, list) else ()):
        if isinstance(container, dict) and not container.get("name"):
            container["name"] = f"user-container-{i}"
    return raw


def validate(source: ContainerSource) -> FieldErrors:
    """Rules that span fields."""
    yield from check_source(source.spec)
    containers = source.spec.template.spec.containers
    if not containers:
        yield missing("spec.containers")
    for i, container in enumerate(containers):
        for name in ("name", "image"):
            if not getattr(container, name):
                yield missing(f"spec.containers[{i}].{name}")


def advice(raw: Json) -> Iterator[str]:
    """Advice about the template."""
    template = (raw.get("spec") or {}).get("template") or {}
    yield from spec_advice(template.get("spec") or {}, "spec.template.spec")


KIND = Kind(
    group="sources.knative.dev",
    name="ContainerSource",
    plural="containersources",
    categories=CATEGORIES,
    model=ContainerSource,
    validate=validate,
    default=default,
    advice=advice,
    columns=(SINK, AGE, *READY),
)
