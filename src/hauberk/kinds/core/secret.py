"""v1 Secret: keys, certificates and passwords, base64 on the wire."""

from __future__ import annotations

import base64
import json
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.configmap import MAX_BYTES, is_base64, validate_update
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check, check_name, config_key, dns_subdomain, invalid, required

__all__ = ["KIND", "validate_update"]

OPAQUE = "Opaque"
_REQUIRED_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


class Secret(Part, frozen=True):
    """Confidential values by key."""

    metadata: ObjectMeta = ObjectMeta()
    type: str = ""
    data: dict[str, str] | None = None
    string_data: dict[str, str] | None = None
    immutable: bool | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """`Opaque` by default; `stringData` moves into `data`."""
    raw["type"] = raw.get("type") or OPAQUE
    plain = raw.pop("stringData", None)
    if isinstance(plain, dict) and plain:
        encoded = {k: base64.b64encode(str(v).encode()).decode() for k, v in plain.items()}
        raw["data"] = {**(raw.get("data") or {}), **encoded}
    return raw


def validate(secret: Secret) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidateSecret."""
    yield from check_name(secret.metadata.name, dns_subdomain)
    data = secret.data or {}
    for key, value in data.items():
        yield from check(f"data[{key}]", key, config_key)
        if not is_base64(value):
            yield invalid(f"data[{key}]", "<redacted>", "illegal base64 data")
    if sum(len(v) * 3 // 4 for v in data.values()) > MAX_BYTES:
        yield invalid("data", "<redacted>", f"Too long: may not be more than {MAX_BYTES} bytes")
    for key in _REQUIRED_KEYS.get(secret.type, ()):
        if key not in data:
            yield required(f"data[{key}]")
    yield from _check_kind(secret, data)


def _check_kind(secret: Secret, data: dict[str, str]) -> FieldErrors:
    if secret.type == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield required("data[username]")
        yield required("data[password]")
    for key in (".dockerconfigjson", ".dockercfg"):
        if secret.type.startswith("kubernetes.io/dockerc") and key in data and is_base64(data[key]):
            try:
                json.loads(base64.b64decode(data[key]))
            except ValueError as error:
                yield invalid(f"data[{key}]", "<secret contents redacted>", str(error))


def type_update(old: Json, new: Json) -> FieldErrors:
    """The type of a Secret is fixed."""
    if (old.get("type") or OPAQUE) != (new.get("type") or OPAQUE):
        yield invalid("type", new.get("type"), "field is immutable")


def _count(raw: Json, _now: float) -> int:
    return len(raw.get("data") or {})


KIND = Kind(
    group="",
    name="Secret",
    plural="secrets",
    singular="secret",
    model=Secret,
    default=default,
    validate=validate,
    validate_update=validate_update,
    columns=(
        Column("Type", ".type"),
        Column("Data", _count, "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    has_generation=False,
    builtin=True,
)
