"""v1 ConfigMap: settings by key."""

from __future__ import annotations

import base64
import binascii

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check, check_name, config_key, dns_subdomain, forbidden, invalid

MAX_BYTES = 1024 * 1024


class ConfigMap(Part, frozen=True):
    """Settings by key, for environment variables, files, or a component's own reading."""

    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] | None = None
    binary_data: dict[str, str] | None = None
    immutable: bool | None = None


def validate(config: ConfigMap) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidateConfigMap."""
    yield from check_name(config.metadata.name, dns_subdomain)
    data, binary = config.data or {}, config.binary_data or {}
    for field, values in (("data", data), ("binaryData", binary)):
        for key in values:
            yield from check(f"{field}[{key}]", key, config_key)
    for key in data.keys() & binary.keys():
        yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key, value in binary.items():
        if not is_base64(value):
            yield invalid(f"binaryData[{key}]", value, "must be base64")
    total = sum(len(v.encode()) for v in (*data.values(), *binary.values()))
    if total > MAX_BYTES:
        yield invalid("", "", f"Too long: may not be more than {MAX_BYTES} bytes")


def is_base64(text: str) -> bool:
    """Whether the text decodes as standard base64."""
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def validate_update(old: Json, new: Json) -> FieldErrors:
    """An immutable ConfigMap or Secret stays as it is."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield forbidden("immutable", "field is immutable when `immutable` is set")
    for field in ("data", "binaryData"):
        if (old.get(field) or {}) != (new.get(field) or {}):
            yield forbidden(field, "field is immutable when `immutable` is set")


def _count(raw: Json, _now: float) -> int:
    return len(raw.get("data") or {}) + len(raw.get("binaryData") or {})


KIND = Kind(
    group="",
    name="ConfigMap",
    plural="configmaps",
    singular="configmap",
    short_names=("cm",),
    model=ConfigMap,
    validate=validate,
    validate_update=validate_update,
    columns=(Column("Data", _count, "integer"), Column("Age", ".metadata.creationTimestamp", "date")),
    subresources=(),
    has_generation=False,
    builtin=True,
)
