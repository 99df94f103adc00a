"""serving.knative.dev/v1 Configuration: the latest wanted state of an app; each change makes a Revision."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import CATEGORIES, LATEST, READY
from hauberk.kinds.serving.defaults import default_template
from hauberk.kinds.serving.parts import RevisionTemplate
from hauberk.kinds.serving.pod import advice
from hauberk.kinds.serving.rules import check_service_metadata, check_template


class ConfigurationSpec(Part, frozen=True):
    """The template of the next revision."""

    template: RevisionTemplate = RevisionTemplate()


class Configuration(Part, frozen=True):
    """Configuration keeps an app's latest template and the Revisions made from it."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ConfigurationSpec = ConfigurationSpec()
    status: dict[str, Any] | None = None


def validate(config: Configuration) -> FieldErrors:
    """Rules that span fields."""
    yield from check_service_metadata(config.metadata)
    found = check_template(config.spec.template, config.metadata.name)
    yield from (e.under("spec.template") for e in found)


KIND = Kind(
    group="serving.knative.dev",
    name="Configuration",
    plural="configurations",
    short_names=("config", "cfg"),
    categories=CATEGORIES,
    model=Configuration,
    validate=validate,
    advice=advice,
    default=default_template,
    columns=(*LATEST, *READY),
)
