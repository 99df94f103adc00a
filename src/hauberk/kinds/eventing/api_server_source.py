"""sources.knative.dev/v1 ApiServerSource: an event for every change of objects of some kinds.

Source: knative/eventing pkg/apis/sources/v1/apiserver_{types,defaults,validation}.go.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from hauberk.base.fields import FieldErrors
from hauberk.kinds.apps.selector import LabelSelector
from hauberk.kinds.eventing.parts import default_destination
from hauberk.kinds.eventing.source import CATEGORIES, SourceSpec, check_source
from hauberk.kinds.eventing.stored import AGE, READY, SINK
from hauberk.kinds.eventing.trigger import check_filter
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import invalid, missing

REFERENCE, RESOURCE = "Reference", "Resource"


class ApiKind(Part, frozen=True):
    """A kind of the API."""

    api_version: str = ""
    kind: str = ""


class Watched(Part, frozen=True):
    """Objects of one kind, all or those with some labels."""

    api_version: str = ""
    kind: str = ""
    selector: LabelSelector | None = None


class ApiServerSourceSpec(SourceSpec, frozen=True):
    """What is watched, as whom, and what an event holds."""

    resources: tuple[Watched, ...] = ()
    owner: Annotated[ApiKind | None, Meta(description="Only objects that such an object owns.")] = None
    event_mode: Annotated[
        str, Meta(description="`Reference`: events name the object; `Resource`: they hold it.")
    ] = field(name="mode", default=REFERENCE)
    service_account_name: Annotated[str, Meta(description="Who watches; it must be allowed to.")] = "default"
    namespace_selector: Annotated[
        LabelSelector | None, Meta(description="Namespaces to watch; default the source's own.")
    ] = None
    filters: Annotated[
        tuple[dict[str, Any], ...], Meta(description="Only events that pass all are sent.")
    ] = ()


class ApiServerSource(Part, frozen=True):
    """An ApiServerSource sends an event for every change of the objects that it watches."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ApiServerSourceSpec = ApiServerSourceSpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Mode, ServiceAccount, and the sink's namespace."""
    spec = raw.setdefault("spec", {})
    spec["mode"] = spec.get("mode") or REFERENCE
    spec["serviceAccountName"] = spec.get("serviceAccountName") or "default"
    default_destination(spec, raw.get("metadata", {}).get("namespace"), "sink")
    return raw


def validate(source: ApiServerSource) -> FieldErrors:
    """Rules that span fields."""
    spec = source.spec
    if spec.event_mode not in (REFERENCE, RESOURCE):
        yield invalid(spec.event_mode, "spec.mode")
    if not spec.resources:
        yield missing("spec.resources")
    for i, watched in enumerate(spec.resources):
        yield from _check_kind(watched.api_version, watched.kind, f"spec.resources[{i}]")
    if spec.owner is not None:
        yield from _check_kind(spec.owner.api_version, spec.owner.kind, "spec.owner")
    yield from check_source(spec)
    for i, item in enumerate(spec.filters):
        yield from (e.under(f"spec.filters[{i}]") for e in check_filter(item))


def _check_kind(api_version: str, kind: str, path: str) -> FieldErrors:
    if api_version.count("/") > 1:
        yield invalid(api_version, f"{path}.apiVersion")
    if not kind.strip():
        yield missing(f"{path}.kind")


KIND = Kind(
    group="sources.knative.dev",
    name="ApiServerSource",
    plural="apiserversources",
    categories=CATEGORIES,
    model=ApiServerSource,
    validate=validate,
    default=default,
    columns=(SINK, AGE, *READY),
)
