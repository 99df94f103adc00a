"""The rules of a CustomResourceDefinition: names, versions, schemas, subresources, conversion.

Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go.
Deviation: limits on the estimated cost of CEL rules are not enforced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from hauberk.apiserver.crd import celrules, schematypes, structural, values
from hauberk.apiserver.crd.shaping import pruned
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.rules import (
    dns_1035_label,
    dns_subdomain,
    forbidden,
    invalid,
    required,
    unsupported,
)

_SCOPES = ("Cluster", "Namespaced")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = (
    "binary", "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
)  # fmt: skip
_SCHEMA_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_APPROVED = "api-approved.kubernetes.io"
_PROTECTED = ("k8s.io", "kubernetes.io")
_NOT_SUPPORTED = (
    "id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref", "$schema",
)  # fmt: skip


def problems(crd: Json) -> FieldErrors:
    """What is wrong with a definition."""
    spec: Json = crd.get("spec") or {}
    names: Json = spec.get("names") or {}
    wanted = f"{names.get('plural', '')}.{spec.get('group', '')}"
    if crd["metadata"].get("name") != wanted:
        yield invalid(
            "metadata.name", crd["metadata"].get("name", ""), 'must be spec.names.plural+"."+spec.group'
        )
    yield from _approval(crd)
    yield from _group(spec)
    yield from _names(names)
    yield from _versions(spec)
    yield from _conversion(spec)


def _approval(crd: Json) -> FieldErrors:
    group = str((crd.get("spec") or {}).get("group", ""))
    if not any(group == p or group.endswith(f".{p}") for p in _PROTECTED):
        return
    said = (crd["metadata"].get("annotations") or {}).get(_APPROVED, "")
    path = f"metadata.annotations[{_APPROVED}]"
    where = "see https://github.com/kubernetes/enhancements/pull/1111"
    if not said:
        yield required(path, f'protected groups must have approval annotation "{_APPROVED}", {where}')
    elif not said.startswith("unapproved") and not urlsplit(said).scheme:
        wanted = 'with either a URL or a reason starting with "unapproved"'
        text = f'protected groups must have approval annotation "{_APPROVED}" {wanted}, {where}'
        yield invalid(path, said, text)


def _group(spec: Json) -> FieldErrors:
    group, scope = spec.get("group", ""), spec.get("scope", "")
    if not group:
        yield required("spec.group")
    elif found := list(dns_subdomain(group)):
        yield invalid("spec.group", group, ",".join(found))
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")
    if not scope:
        yield required("spec.scope")
    elif scope not in _SCOPES:
        yield unsupported("spec.scope", scope, _SCOPES)
    if spec.get("preserveUnknownFields"):
        yield invalid(
            "spec.preserveUnknownFields", True,
            "must be false in order to use defaults in the schema"
            if any("default" in str(v) for v in spec.get("versions") or ())
            else "must be false",
        )  # fmt: skip


def _names(names: Json) -> FieldErrors:
    for field in ("plural", "kind"):
        if not names.get(field):
            yield required(f"spec.names.{field}")
    for field in ("plural", "singular"):
        yield from _label(f"spec.names.{field}", names.get(field, ""))
    for field in ("kind", "listKind"):
        yield from _label(f"spec.names.{field}", names.get(field, ""), kind=True)
    for field in ("shortNames", "categories"):
        for i, name in enumerate(names.get(field) or ()):
            yield from _label(f"spec.names.{field}[{i}]", name)
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        yield invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same")


def _label(path: str, value: str, *, kind: bool = False) -> FieldErrors:
    found = list(dns_1035_label(value.lower() if kind else value)) if value else []
    if found:
        why = ",".join(found)
        yield invalid(path, value, f"may have mixed case, but should otherwise match: {why}" if kind else why)


def _versions(spec: Json) -> FieldErrors:
    rows: list[Json] = list(spec.get("versions") or ())
    names = [row.get("name", "") for row in rows]
    for i, row in enumerate(rows):
        path = f"spec.versions[{i}]"
        if found := list(dns_1035_label(row.get("name", ""))):
            yield invalid(f"{path}.name", row.get("name", ""), ",".join(found))
        yield from _version(row, path)
    if len(set(names)) != len(names):
        yield invalid("spec.versions", names, "must contain unique version names")
    if sum(1 for row in rows if row.get("storage")) != 1:
        yield invalid("spec.versions", names, "must have exactly one version marked as storage version")


def _version(row: Json, path: str) -> FieldErrors:
    schema = (row.get("schema") or {}).get("openAPIV3Schema")
    if row.get("deprecationWarning") is not None and not row.get("deprecated"):
        yield invalid(
            f"{path}.deprecationWarning", row["deprecationWarning"], "can only be set for deprecated versions"
        )
    if not isinstance(schema, Mapping):
        yield required(f"{path}.schema.openAPIV3Schema", "schemas are required")
    else:
        yield from schema_problems(schema, f"{path}.schema.openAPIV3Schema")
    yield from _subresources(row.get("subresources") or {}, f"{path}.subresources")
    for i, column in enumerate(row.get("additionalPrinterColumns") or ()):
        yield from _column(column, f"{path}.additionalPrinterColumns[{i}]")
    yield from _selectable(row.get("selectableFields") or (), schema or {}, f"{path}.selectableFields")


def schema_problems(schema: Json, path: str) -> FieldErrors:
    """What is wrong with a version's schema: as OpenAPI, as a structural schema, in its CEL rules.

    ValueError when it cannot be read as a schema.
    """
    schematypes.check(schema)
    found = list(_openapi(schema, path, root=True))
    yield from found
    if found:
        return
    bad = structural.problems(path, schema)
    yield from bad
    if not bad:
        yield from _defaults(schema, path, root=True)
        yield from celrules.problems(schema, path)


def _openapi(schema: Json, path: str, *, root: bool = False) -> FieldErrors:
    for word in _NOT_SUPPORTED:
        if schema.get(word):
            yield forbidden(f"{path}.{word}", f"{word} is not supported")
    yield from _openapi_words(schema, path)
    yield from _list_words(schema, path)
    for place, inner in _inside(schema):
        yield from _openapi(inner, f"{path}.{place}")
    if root and schema.get("nullable"):
        yield forbidden(f"{path}.nullable", "nullable cannot be true at the root")


def _openapi_words(schema: Json, path: str) -> FieldErrors:
    kind = schema.get("type")
    if kind == "null":
        yield forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    elif kind and kind not in _SCHEMA_TYPES:
        yield unsupported(f"{path}.type", kind, _SCHEMA_TYPES)
    if schema.get("uniqueItems"):
        yield forbidden(
            f"{path}.uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        )
    others = schema.get("additionalProperties")
    if schema.get("properties") and (others is False or isinstance(others, Mapping)):
        yield forbidden(
            f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive"
        )
    if isinstance(schema.get("items"), list):
        yield forbidden(f"{path}.items", "items must be a schema object and not an array")
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    if schema.get("x-kubernetes-map-type") is not None:
        yield from _map_type(schema, path)


def _map_type(schema: Json, path: str) -> FieldErrors:
    if schema.get("type") != "object":
        yield invalid(
            f"{path}.type", schema.get("type", ""), "must be object if x-kubernetes-map-type is specified"
        )
    if schema["x-kubernetes-map-type"] not in ("atomic", "granular"):
        yield unsupported(
            f"{path}.x-kubernetes-map-type", schema["x-kubernetes-map-type"], ("atomic", "granular")
        )


def _list_words(schema: Json, path: str) -> FieldErrors:
    sort, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    if sort is None:
        if keys:
            yield required(
                f"{path}.x-kubernetes-list-type", "must be map if x-kubernetes-list-map-keys is non-empty"
            )
        return
    if sort not in ("atomic", "set", "map"):
        yield unsupported(f"{path}.x-kubernetes-list-type", sort, ("atomic", "set", "map"))
    if schema.get("type") != "array":
        text = "must be array if x-kubernetes-list-type is specified"
        yield invalid(f"{path}.type", schema.get("type", ""), text)
    if sort == "map" and not keys:
        yield required(
            f"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"
        )
    if keys and sort != "map":
        yield forbidden(
            f"{path}.x-kubernetes-list-map-keys", "must be empty if x-kubernetes-list-type is not map"
        )
    if sort == "map" and isinstance(schema.get("items"), Mapping):
        yield from _map_keys(schema["items"], keys, path)


def _map_keys(items: Json, keys: Any, path: str) -> FieldErrors:
    fields, must = items.get("properties") or {}, set(items.get("required") or ())
    where = f"{path}.items"
    if items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid(f"{where}.type", items.get("type", ""), text)
    for i, key in enumerate(keys):
        if key not in fields:
            yield invalid(
                f"{path}.x-kubernetes-list-map-keys[{i}]", key, "entries must all be names of item properties"
            )
        elif key not in must and "default" not in fields[key]:
            yield required(
                f"{where}.properties[{key}].default",
                "this property is in x-kubernetes-list-map-keys, "
                "so it must have a default or be a required property",
            )
    if items.get("nullable"):
        yield forbidden(f"{where}.nullable", "cannot be nullable when x-kubernetes-list-type is map")


def _inside(schema: Json) -> Iterator[tuple[str, Json]]:
    for name, inner in (schema.get("properties") or {}).items():
        yield f"properties[{name}]", inner
    for word in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(word), Mapping):
            yield word, schema[word]
    for word in ("allOf", "anyOf", "oneOf"):
        for i, inner in enumerate(schema.get(word) or ()):
            yield f"{word}[{i}]", inner


def _defaults(schema: Json, path: str, *, root: bool = False) -> FieldErrors:
    """A default fits its own schema, and holds no unknown field."""
    if "default" in schema:
        yield from _default(schema, schema["default"], f"{path}.default", root=root)
    for place, inner in _inside(schema):
        if place.startswith(("properties", "items", "additionalProperties")):
            yield from _defaults(inner, f"{path}.{place}")


def _default(schema: Json, value: Any, path: str, *, root: bool) -> FieldErrors:
    if root:
        yield forbidden(path, "must not be set at the root")
        return
    if pruned(schema, value, root=bool(schema.get("x-kubernetes-embedded-resource"))) != value:
        yield invalid(path, value, "must not have unknown fields")
    errors: list[FieldError] = []
    values.compiled(schema)(value, path, errors)
    yield from errors


def _subresources(found: Json, path: str) -> FieldErrors:
    scale = found.get("scale")
    if not scale:
        return
    rows = (("specReplicasPath", ".spec.", True), ("statusReplicasPath", ".status.", True))
    for field, root, must in (*rows, ("labelSelectorPath", ".status.", False)):
        yield from _simple_path(scale.get(field) or "", f"{path}.scale.{field}", root, must=must)


def _simple_path(value: str, path: str, root: str, *, must: bool) -> FieldErrors:
    if not value:
        if must:
            yield required(path)
    elif not value.startswith("."):
        yield invalid(path, value, "must be a simple json path starting with .")
    elif not value.startswith(root) and not (
        path.endswith("labelSelectorPath") and value.startswith(".spec.")
    ):
        words = "either .spec or .status" if path.endswith("labelSelectorPath") else root.rstrip(".")
        yield invalid(path, value, f"should be a json path under {words}")


def _column(column: Json, path: str) -> FieldErrors:
    if not column.get("name"):
        yield required(f"{path}.name")
    kind, form, where = column.get("type"), column.get("format"), column.get("jsonPath", "")
    if not kind:
        yield required(f"{path}.type", f"must be one of {','.join(_COLUMN_TYPES)}")
    elif kind not in _COLUMN_TYPES:
        yield invalid(f"{path}.type", kind, f"must be one of {','.join(_COLUMN_TYPES)}")
    if form and form not in _COLUMN_FORMATS:
        yield invalid(f"{path}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not where:
        yield required(f"{path}.jsonPath")
    elif not where.startswith("."):
        yield invalid(f"{path}.jsonPath", where, "must be a simple json path starting with .")


def _selectable(fields: Any, schema: Json, path: str) -> FieldErrors:
    if len(fields) > 8:
        yield values.too_many(path, len(fields), 8)
    seen: set[str] = set()
    for i, field in enumerate(fields):
        where = field.get("jsonPath", "")
        if not where:
            yield required(f"{path}[{i}].jsonPath")
            continue
        if where.startswith((".metadata", ".kind", ".apiVersion")):
            yield invalid(f"{path}[{i}].jsonPath", where, "must not point to fields in metadata")
        elif not _is_scalar(schema, where):
            text = (
                "must point to a field of type string, boolean or integer. "
                "Enum string fields and strings with formats are allowed."
            )
            yield invalid(f"{path}[{i}].jsonPath", where, text)
        if where in seen:
            yield FieldError(f"{path}[{i}].jsonPath", f'Duplicate value: "{where}"', "FieldValueDuplicate")
        seen.add(where)


def _is_scalar(schema: Json, path: str) -> bool:
    for step in path.strip(".").split("."):
        found = (schema.get("properties") or {}).get(step)
        if found is None:
            return False
        schema = found
    return schema.get("type") in ("string", "boolean", "integer")


def _conversion(spec: Json) -> FieldErrors:
    conversion: Json = spec.get("conversion") or {}
    strategy, path = conversion.get("strategy", "None"), "spec.conversion"
    hook = conversion.get("webhook")
    if strategy not in ("None", "Webhook"):
        yield unsupported(f"{path}.strategy", strategy, ("None", "Webhook"))
    if strategy == "None" and hook:
        yield forbidden(f"{path}.webhook", "should not be set when strategy is not set to Webhook")
    if strategy != "Webhook":
        return
    client: Json = (hook or {}).get("clientConfig") or {}
    if not client:
        yield required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
    elif bool(client.get("url")) == bool(client.get("service")):
        yield required(f"{path}.webhookClientConfig", "exactly one of url or service is required")
    if not (hook or {}).get("conversionReviewVersions"):
        yield required(f"{path}.conversionReviewVersions")
    elif not {"v1", "v1beta1"} & set(hook["conversionReviewVersions"] if hook else ()):
        yield invalid(
            f"{path}.conversionReviewVersions", hook["conversionReviewVersions"] if hook else [],
            "must include at least one of v1, v1beta1",
        )  # fmt: skip


Immutable = tuple[str, Callable[[Json], Any]]
_ALWAYS: tuple[Immutable, ...] = (
    ("spec.group", lambda s: s.get("group")),
    ("spec.names.plural", lambda s: (s.get("names") or {}).get("plural")),
)
_ESTABLISHED: tuple[Immutable, ...] = (
    ("spec.scope", lambda s: s.get("scope")),
    ("spec.names.kind", lambda s: (s.get("names") or {}).get("kind")),
)


def update_problems(old: Json, new: Json) -> FieldErrors:
    """What may not change."""
    conditions = (old.get("status") or {}).get("conditions") or ()
    established = any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for path, read in (*_ALWAYS, *(_ESTABLISHED if established else ())):
        if read(before) != read(after):
            yield invalid(path, read(after), "field is immutable")
    stored = (new.get("status") or {}).get("storedVersions") or ()
    known = {row.get("name") for row in after.get("versions") or ()}
    for i, version in enumerate(stored):
        if version not in known:
            yield invalid(f"status.storedVersions[{i}]", version, "must appear in spec.versions")
