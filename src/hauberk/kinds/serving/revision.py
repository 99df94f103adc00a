"""serving.knative.dev/v1 Revision: one immutable version of an app."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import CATEGORIES, READY, label
from hauberk.kinds.serving.defaults import default_revision
from hauberk.kinds.serving.parts import RevisionSpec
from hauberk.kinds.serving.rules import check_spec


class Revision(Part, frozen=True):
    """Revision is one version of an app: its Deployment, its autoscaler, its image's digest."""

    metadata: ObjectMeta = ObjectMeta()
    spec: RevisionSpec = RevisionSpec()
    status: dict[str, Any] | None = None


def validate(revision: Revision) -> FieldErrors:
    """Rules that span fields."""
    yield from (e.under("spec") for e in check_spec(revision.spec))


KIND = Kind(
    group="serving.knative.dev",
    name="Revision",
    plural="revisions",
    short_names=("rev",),
    categories=CATEGORIES,
    model=Revision,
    validate=validate,
    default=default_revision,
    columns=(
        Column("Config Name", label("serving.knative.dev/configuration")),
        Column("Generation", label("serving.knative.dev/configurationGeneration")),
        *READY,
        Column("Actual Replicas", ".status.actualReplicas", "integer"),
        Column("Desired Replicas", ".status.desiredReplicas", "integer"),
    ),
)
