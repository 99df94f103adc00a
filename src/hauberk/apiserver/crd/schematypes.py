"""The types of a schema's own fields: what cannot be read as a schema is refused before its rules are asked.

Source: apiextensions-apiserver pkg/apis/apiextensions/v1/types_jsonschema.go, JSONSchemaProps.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

from hauberk.base.refs import Json


class Rule(msgspec.Struct, rename="camel"):
    """One CEL rule."""

    rule: str = ""
    message: str = ""
    message_expression: str = ""
    reason: str | None = None
    field_path: str = ""
    optional_old_self: bool | None = None


class Schema(msgspec.Struct, rename="camel"):
    """JSONSchemaProps."""

    id: str = ""
    schema: str = field(default="", name="$schema")
    ref: str | None = field(default=None, name="$ref")
    description: str = ""
    type: str = ""
    format: str = ""
    title: str = ""
    maximum: float | None = None
    exclusive_maximum: bool = False
    minimum: float | None = None
    exclusive_minimum: bool = False
    max_length: int | None = None
    min_length: int | None = None
    pattern: str = ""
    max_items: int | None = None
    min_items: int | None = None
    unique_items: bool = False
    multiple_of: float | None = None
    enum: list[Any] | None = None
    max_properties: int | None = None
    min_properties: int | None = None
    required: list[str] | None = None
    items: Schema | list[Schema] | None = None
    all_of: list[Schema] | None = None
    one_of: list[Schema] | None = None
    any_of: list[Schema] | None = None
    not_: Schema | None = field(default=None, name="not")
    properties: dict[str, Schema] | None = None
    additional_properties: Schema | bool | None = None
    nullable: bool = False
    preserve: bool | None = field(default=None, name="x-kubernetes-preserve-unknown-fields")
    embedded: bool = field(default=False, name="x-kubernetes-embedded-resource")
    int_or_string: bool = field(default=False, name="x-kubernetes-int-or-string")
    list_map_keys: list[str] | None = field(default=None, name="x-kubernetes-list-map-keys")
    list_type: str | None = field(default=None, name="x-kubernetes-list-type")
    map_type: str | None = field(default=None, name="x-kubernetes-map-type")
    validations: list[Rule] | None = field(default=None, name="x-kubernetes-validations")


def check(schema: Json) -> None:
    """Whether a schema can be read. Raises msgspec.ValidationError, a ValueError."""
    msgspec.convert(schema, Schema)
    if schema.get("multipleOf") == 0:
        raise ValueError("multipleOf must not be 0")
