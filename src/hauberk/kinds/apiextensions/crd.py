"""apiextensions.k8s.io/v1 CustomResourceDefinition. The API server has its rules."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import field

from hauberk.kinds.admissionregistration.webhooks import ClientConfig
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by


class Names(Part, frozen=True):
    """What the kind is called."""

    plural: str = ""
    singular: str = ""
    kind: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Validation(Part, frozen=True):
    """The schema of a version; the API server reads and judges it."""

    open_api_v3_schema: dict[str, Any] | None = field(default=None, name="openAPIV3Schema")


class Scale(Part, frozen=True):
    """Where the scale subresource finds its numbers."""

    spec_replicas_path: str = ""
    status_replicas_path: str = ""
    label_selector_path: str | None = None


class Subresources(Part, frozen=True):
    """Which subresources there are."""

    status: dict[str, Any] | None = None
    scale: Scale | None = None


class PrinterColumn(Part, frozen=True):
    """One column of `kubectl get`."""

    name: str = ""
    type: str = ""
    json_path: str = ""
    format: str = ""
    description: str = ""
    priority: int = 0


class SelectableField(Part, frozen=True):
    """A field that field selectors may name."""

    json_path: str = ""


class Version(Part, frozen=True):
    """One version of the kind."""

    name: str = ""
    served: bool = False
    storage: bool = False
    deprecated: bool = False
    deprecation_warning: str | None = None
    schema: Validation | None = None
    subresources: Subresources | None = None
    additional_printer_columns: tuple[PrinterColumn, ...] = ()
    selectable_fields: tuple[SelectableField, ...] = ()


class ConversionWebhook(Part, frozen=True):
    """The program that converts."""

    client_config: ClientConfig | None = None
    conversion_review_versions: tuple[str, ...] = ()


class Conversion(Part, frozen=True):
    """How versions become each other."""

    strategy: str = "None"
    webhook: ConversionWebhook | None = None


class CrdSpec(Part, frozen=True):
    """The kind and its versions."""

    group: str = ""
    scope: str = ""
    names: Names = Names()
    versions: tuple[Version, ...] = ()
    conversion: Conversion | None = None
    preserve_unknown_fields: bool | None = None


class CrdStatus(Part, frozen=True):
    """What the API server says about the definition."""

    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()
    accepted_names: Names | None = None
    stored_versions: tuple[str, ...] = ()


class CustomResourceDefinition(Part, frozen=True):
    """A kind of a user's own."""

    metadata: ObjectMeta = ObjectMeta()
    spec: CrdSpec = CrdSpec()
    status: CrdStatus | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go."""
    spec = raw.get("spec")
    if not isinstance(spec, dict) or not isinstance(names := spec.setdefault("names", {}), dict):
        return raw
    if kind := names.get("kind"):
        if not names.get("singular"):
            names["singular"] = str(kind).lower()
        if not names.get("listKind"):
            names["listKind"] = f"{kind}List"
    conversion = spec.setdefault("conversion", {"strategy": "None"})
    if isinstance(conversion, dict):
        conversion.setdefault("strategy", "None")
        service = ((conversion.get("webhook") or {}).get("clientConfig") or {}).get("service")
        if isinstance(service, dict):
            service.setdefault("port", 443)
    return raw


KIND = Kind(
    group="apiextensions.k8s.io",
    name="CustomResourceDefinition",
    plural="customresourcedefinitions",
    singular="customresourcedefinition",
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    model=CustomResourceDefinition,
    default=default,
    columns=(Column("Created At", ".metadata.creationTimestamp"),),
    namespaced=False,
    builtin=True,
)
