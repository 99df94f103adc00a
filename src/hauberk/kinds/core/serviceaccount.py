"""v1 ServiceAccount: who a pod is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.podspec import LocalRef
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import check_name, dns_subdomain


class ServiceAccount(Part, frozen=True):
    """Who a pod is: its SPIFFE identity in the mesh carries this name."""

    __inert__: ClassVar[tuple[str, ...]] = ("secrets",)

    metadata: ObjectMeta = ObjectMeta()
    image_pull_secrets: Annotated[tuple[LocalRef, ...], merge_by("name")] = ()
    automount_service_account_token: bool | None = None


def validate(account: ServiceAccount) -> FieldErrors:
    """The name is a subdomain."""
    yield from check_name(account.metadata.name, dns_subdomain)


def _secrets(raw: Json, _now: float) -> int:
    return len(raw.get("secrets") or ())


KIND = Kind(
    group="",
    name="ServiceAccount",
    plural="serviceaccounts",
    singular="serviceaccount",
    short_names=("sa",),
    model=ServiceAccount,
    validate=validate,
    columns=(Column("Secrets", _secrets, "integer"), Column("Age", ".metadata.creationTimestamp", "date")),
    subresources=("token",),
    has_generation=False,
    builtin=True,
)
