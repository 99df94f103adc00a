"""apps/v1 ControllerRevision: an earlier template of a StatefulSet or DaemonSet."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import at_least, check_name, dns_subdomain, invalid


class ControllerRevision(Part, frozen=True):
    """A state that a workload can go back to; never changed, but for its number."""

    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, Any] | None = None
    revision: int = 0


def validate(revision: ControllerRevision) -> FieldErrors:
    """Source: kubernetes pkg/apis/apps/validation/validation.go, ValidateControllerRevision."""
    yield from check_name(revision.metadata.name, dns_subdomain)
    yield from at_least("revision", revision.revision)


def validate_update(old: Json, new: Json) -> FieldErrors:
    """The state is fixed."""
    if old.get("data") != new.get("data"):
        yield invalid("data", "", "field is immutable")


def _controller(raw: Json, _now: float) -> str:
    for owner in raw["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            group = owner["apiVersion"].partition("/")[0]
            return f"{owner['kind'].lower()}.{group}/{owner['name']}"
    return "<none>"


KIND = Kind(
    group="apps",
    name="ControllerRevision",
    plural="controllerrevisions",
    singular="controllerrevision",
    model=ControllerRevision,
    validate=validate,
    validate_update=validate_update,
    columns=(
        Column("Controller", _controller),
        Column("Revision", ".revision", "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    has_generation=False,
    builtin=True,
)
