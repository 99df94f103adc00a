"""apiextensions.k8s.io/v1 CustomResourceDefinition; stored, its kind is not served yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import invalid, required, unsupported

SCOPES = ("Cluster", "Namespaced")


class Names(Part, frozen=True):
    """What the kind is called."""

    plural: str = ""
    singular: str = ""
    kind: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class CrdSpec(Part, frozen=True):
    """The kind and its versions."""

    group: str = ""
    scope: str = ""
    names: Names = Names()
    versions: Annotated[tuple[dict[str, Any], ...], merge_by("name")] = ()
    conversion: dict[str, Any] | None = None
    preserve_unknown_fields: bool | None = None


class CustomResourceDefinition(Part, frozen=True):
    """A kind of a user's own."""

    metadata: ObjectMeta = ObjectMeta()
    spec: CrdSpec = CrdSpec()
    status: dict[str, Any] | None = None


def validate(crd: CustomResourceDefinition) -> FieldErrors:
    """Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go."""
    spec = crd.spec
    wanted = f"{spec.names.plural}.{spec.group}"
    for path, value in (("spec.group", spec.group), ("spec.names.plural", spec.names.plural)):
        if not value:
            yield required(path)
    if not spec.names.kind:
        yield required("spec.names.kind")
    if spec.scope not in SCOPES:
        yield unsupported("spec.scope", spec.scope, SCOPES)
    if crd.metadata.name != wanted:
        yield invalid("metadata.name", crd.metadata.name, 'must be spec.names.plural+"."+spec.group')
    storage = sum(1 for version in spec.versions if version.get("storage"))
    if storage != 1:
        yield invalid("spec.versions", storage, "must have exactly one version marked as storage version")


def not_served(raw: Json) -> Iterator[str]:
    """The definition is kept; objects of its kind are refused for now."""
    names = (raw.get("spec") or {}).get("names") or {}
    yield f"is stored, but the embedded cluster does not serve objects of kind {names.get('kind')} yet"


KIND = Kind(
    group="apiextensions.k8s.io",
    name="CustomResourceDefinition",
    plural="customresourcedefinitions",
    singular="customresourcedefinition",
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    model=CustomResourceDefinition,
    validate=validate,
    advice=not_served,
    columns=(Column("Created At", ".metadata.creationTimestamp"),),
    namespaced=False,
    builtin=True,
)
