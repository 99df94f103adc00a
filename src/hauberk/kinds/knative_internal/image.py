"""caching.internal.knative.dev/v1alpha1 Image: a wish that an image be kept near."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing


class ImageSpec(Part, frozen=True):
    """The image. Images of one machine are always near, so this changes nothing."""

    image: str = ""
    service_account_name: str = ""
    image_pull_secrets: tuple[dict[str, Any], ...] = ()


class Image(Part, frozen=True):
    """Image names an image that a revision needs."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ImageSpec = ImageSpec()
    status: dict[str, Any] | None = None


def validate(image: Image) -> FieldErrors:
    """Rules that span fields."""
    if not image.spec.image:
        yield missing("spec.image")


KIND = Kind(
    group="caching.internal.knative.dev",
    name="Image",
    plural="images",
    versions=("v1alpha1",),
    categories=("knative-internal", "caching"),
    model=Image,
    validate=validate,
    columns=(Column("Image", ".spec.image"),),
)
