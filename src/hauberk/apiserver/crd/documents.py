"""Schemas of users' kinds as the OpenAPI documents carry them.

Source: apiextensions-apiserver pkg/controller/openapi/builder/builder.go.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.schema import META_NAME, meta_document

_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_TYPE_TEXT = {
    "apiVersion": "APIVersion defines the versioned schema of this representation of an object. Servers "
    "should convert recognized schemas to the latest internal value, and may reject unrecognized values. "
    f"More info: {_CONVENTIONS}#resources",
    "kind": "Kind is a string value representing the REST resource this object represents. Servers may "
    "infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. "
    f"More info: {_CONVENTIONS}#types-kinds",
}
_META_TEXT = "Standard object's metadata."


def name_of(group: str, version: str, name: str) -> str:
    """The name of the schema, reversed domain first."""
    return ".".join([*reversed(group.split(".")), version, name])


def document(kind: Any, schema: Json) -> dict[str, Any]:
    """The components of one version; the kind's own comes first."""
    root = {k: v for k, v in schema.items() if k != "x-kubernetes-validations"}
    fields = {
        **{name: {"type": "string", "description": text} for name, text in _TYPE_TEXT.items()},
        "metadata": {"description": _META_TEXT, "allOf": [{"$ref": f"#/components/schemas/{META_NAME}"}]},
        **{
            k: v
            for k, v in (schema.get("properties") or {}).items()
            if k not in ("apiVersion", "kind", "metadata")
        },
    }
    root |= {
        "type": "object",
        "properties": fields,
        "x-kubernetes-group-version-kind": [
            {"group": kind.group, "kind": kind.name, "version": kind.version}
        ],
    }
    return {name_of(kind.group, kind.version, kind.name): root, META_NAME: meta_document()}
