"""serving.knative.dev/v1 Service: an app by its image, its revisions and its traffic.

What a Service does is in `hauberk.serving.service`.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import CATEGORIES, LATEST, READY, URL
from hauberk.kinds.serving.defaults import default_service
from hauberk.kinds.serving.parts import RevisionTemplate, TrafficTarget
from hauberk.kinds.serving.pod import advice
from hauberk.kinds.serving.rules import check_name, check_service_metadata, check_template, check_traffic


class ServiceSpec(Part, frozen=True):
    """The template of the revisions, and how requests are shared between them."""

    template: RevisionTemplate = RevisionTemplate()
    traffic: tuple[TrafficTarget, ...] = ()


class Service(Part, frozen=True):
    """Service runs an app and routes to it; it owns a Configuration and a Route of its name."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ServiceSpec = ServiceSpec()
    status: dict[str, Any] | None = None


def validate(svc: Service) -> FieldErrors:
    """Rules that span fields."""
    yield from check_service_metadata(svc.metadata)
    yield from check_name(svc.metadata.name)
    found = check_template(svc.spec.template, svc.metadata.name)
    yield from (e.under("spec.template") for e in found)
    yield from (e.under("spec.traffic") for e in check_traffic(svc.spec.traffic, of_service=True))


KIND = Kind(
    group="serving.knative.dev",
    name="Service",
    plural="services",
    short_names=("kservice", "ksvc"),
    categories=CATEGORIES,
    model=Service,
    validate=validate,
    advice=advice,
    default=default_service,
    columns=(URL, *LATEST, *READY),
)
