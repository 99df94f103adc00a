"""admissionregistration.k8s.io/v1: webhooks and policies; stored, not called yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by

GROUP = "admissionregistration.k8s.io"


class WebhookConfiguration(Part, frozen=True):
    """Webhooks that admission calls."""

    metadata: ObjectMeta = ObjectMeta()
    webhooks: Annotated[tuple[dict[str, Any], ...], merge_by("name")] = ()


class Policy(Part, frozen=True):
    """A rule of admission, or where it holds."""

    metadata: ObjectMeta = ObjectMeta()
    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


def not_called(_: Json) -> Iterator[str]:
    """Nothing happens by it for now."""
    yield "is stored, but admission on the embedded cluster does not consult it yet"


def _count(obj: Json, _now: float) -> int:
    return len(obj.get("webhooks") or ())


_AGE = Column("Age", ".metadata.creationTimestamp", "date")


def _kind(
    name: str, model: type[Part], columns: tuple[Column, ...], status: tuple[str, ...] = ()
) -> Kind[Any]:
    plural = f"{name.lower()[:-1]}ies" if name.endswith("y") else f"{name.lower()}s"
    return Kind(
        group=GROUP,
        name=name,
        plural=plural,
        singular=name.lower(),
        model=model,
        advice=not_called,
        columns=(*columns, _AGE),
        namespaced=False,
        subresources=status,
        builtin=True,
    )


MUTATING = _kind(
    "MutatingWebhookConfiguration", WebhookConfiguration, (Column("Webhooks", _count, "integer"),)
)
VALIDATING = _kind(
    "ValidatingWebhookConfiguration", WebhookConfiguration, (Column("Webhooks", _count, "integer"),)
)
POLICY = _kind("ValidatingAdmissionPolicy", Policy, (), ("status",))
BINDING = _kind("ValidatingAdmissionPolicyBinding", Policy, (Column("PolicyName", ".spec.policyName"),))
