"""v1 PersistentVolumeClaim: a request for a volume that outlives pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from hauberk.base.fields import FieldErrors
from hauberk.base.quantities import parse_quantity
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import check_name, dns_subdomain, forbidden, invalid, required, unsupported
from hauberk.kinds.selectors import LabelSelector

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


class ClaimResources(Part, frozen=True):
    """How much."""

    __inert__: ClassVar[tuple[str, ...]] = ("limits",)

    requests: dict[str, Any] | None = None


class ClaimSpec(Part, frozen=True):
    """What is asked for."""

    __inert__: ClassVar[tuple[str, ...]] = ("dataSource", "dataSourceRef", "volumeAttributesClassName")

    access_modes: tuple[str, ...] = ()
    resources: ClaimResources = ClaimResources()
    storage_class_name: str | None = None
    volume_mode: str = ""
    volume_name: str = ""
    selector: LabelSelector | None = None


class ClaimStatus(Part, frozen=True):
    """What was found."""

    phase: str = ""
    access_modes: tuple[str, ...] = ()
    capacity: dict[str, Any] | None = None
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()


class PersistentVolumeClaim(Part, frozen=True):
    """A request for a volume that outlives pods."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Source: kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_PersistentVolumeClaim."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    return raw


def validate(claim: PersistentVolumeClaim) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidatePersistentVolumeClaimSpec."""
    yield from check_name(claim.metadata.name, dns_subdomain)
    yield from check_modes(claim.spec.access_modes)
    storage = (claim.spec.resources.requests or {}).get("storage")
    if storage is None:
        yield required("spec.resources[storage]")
    else:
        yield from check_amount("spec.resources[storage]", storage)


def check_modes(modes: tuple[str, ...]) -> FieldErrors:
    """Of claims and volumes."""
    if not modes:
        yield required("spec.accessModes", "at least 1 access mode is required")
    for i, mode in enumerate(modes):
        if mode not in ACCESS_MODES:
            yield unsupported(f"spec.accessModes[{i}]", mode, ACCESS_MODES)


def check_amount(path: str, value: Any) -> FieldErrors:
    """A positive amount of storage."""
    try:
        positive = parse_quantity(str(value)) > 0
    except ValueError:
        yield invalid(path, value, "quantities must match the regular expression "
                      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")  # fmt: skip
        return
    if not positive:
        yield invalid(path, value, "must be greater than zero")


def validate_update(old: Json, new: Json) -> FieldErrors:
    """All but the amount is fixed; the volume's name is given once.

    Deviation: upstream lets a bound claim of an expandable class grow; nothing measures amounts here.
    """
    before, after = dict(old.get("spec") or {}), dict(new.get("spec") or {})
    if not before.get("volumeName"):
        before.pop("volumeName", None)
        after.pop("volumeName", None)
    if before != after:
        yield forbidden(
            "spec", "spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims",
        )  # fmt: skip


def advice(raw: Json) -> Iterator[str]:
    """What of it does not act."""
    spec = raw.get("spec") or {}
    if spec.get("volumeMode") == "Block":
        yield "spec.volumeMode: block devices are not made on the embedded cluster; the claim stays Pending"
    if "ReadWriteOncePod" in (spec.get("accessModes") or ()):
        yield "spec.accessModes: ReadWriteOncePod is kept like ReadWriteOnce: nothing stops a second pod"


def modes_text(modes: Any) -> str:
    """`RWO,ROX`."""
    return ",".join(_SHORT.get(m, m) for m in modes or ())


def _phase(claim: Json, _now: float) -> str:
    if claim["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((claim.get("status") or {}).get("phase", ""))


def _capacity(claim: Json, _now: float) -> str:
    return str(((claim.get("status") or {}).get("capacity") or {}).get("storage", ""))


KIND = Kind(
    group="",
    name="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    singular="persistentvolumeclaim",
    short_names=("pvc",),
    model=PersistentVolumeClaim,
    default=default,
    validate=validate,
    validate_update=validate_update,
    advice=advice,
    columns=(
        Column("Status", _phase),
        Column("Volume", ".spec.volumeName"),
        Column("Capacity", _capacity),
        Column("Access Modes", lambda c, _: modes_text((c.get("status") or {}).get("accessModes"))),
        Column("StorageClass", ".spec.storageClassName"),
        Column("VolumeAttributesClass", lambda _c, _n: "<unset>"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("VolumeMode", ".spec.volumeMode", wide=True),
    ),
    has_generation=False,
    builtin=True,
)
