"""Whether an object has the types and keeps the rules of its kind.

Three stages, as upstream: nulls are dropped where a field is known; the structure is
compared with the model's types (first error only); the kind's rules run on the typed view
(all errors).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from hauberk.apiserver import refuse
from hauberk.base.apierrors import ApiError, BadRequest
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Kind, Part
from hauberk.kinds.rules import check, check_labels, dns_subdomain, required
from hauberk.kinds.shape import OwnerReference, Shape, kind_shape

_PATH_NAMED_GROUPS = ("rbac.authorization.k8s.io",)  # names such as `system:node`
_ERROR = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]+)`(?:, got `(?P<got>[^`]+)`)?(?P<rest>.*)", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_JSON_WORD = {
    "str": "string", "int": "integer", "float": "number", "bool": "boolean",
    "array": "array", "object": "object", "null": "null",
}  # fmt: skip
_GO_WORD = {"str": "string", "int": "int32", "float": "float64", "bool": "bool"}
_GO_GOT = {
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "bool",
    "array": "array",
    "object": "object",
}


def without_nulls(value: Any, shape: Shape) -> Any:
    """`value` without null fields, which mean absent. Free-form parts are left as they are."""
    if isinstance(value, Mapping):
        if shape.sort == "any" and not shape.fields:
            return value
        inner = shape.fields.get if shape.sort != "map" else lambda _: shape.item
        return {
            k: without_nulls(v, inner(k) or _FREE) if isinstance(v, dict | list) else v
            for k, v in value.items()
            if v is not None
        }
    if isinstance(value, list) and shape.item is not None:
        return [without_nulls(v, shape.item) for v in value]
    return value


_FREE = Shape("any")


def check_structure(kind: Kind[Any], obj: Json) -> None:
    """Refuse a value of a wrong type. BadRequest for built-in kinds, Invalid for the others."""
    meta = obj.get("metadata")
    if meta is not None and not isinstance(meta, Mapping):
        raise BadRequest("metadata: must be an object")
    try:
        kind.parse(obj)
        msgspec.convert(obj, _Whole)
    except msgspec.ValidationError as error:
        raise structural_error(kind, obj, str(error)) from error


class _MetaTypes(Part, frozen=True):
    """The parts of any object's metadata that the models leave out."""

    generate_name: str = ""
    finalizers: tuple[str, ...] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    managed_fields: tuple[dict[str, Any], ...] | None = None


class _Whole(Part, frozen=True):
    metadata: _MetaTypes = _MetaTypes()


def structural_error(kind: Kind[Any], obj: Json, text: str) -> ApiError:
    """From msgspec's text to upstream's."""
    name = str((obj.get("metadata") or {}).get("name", ""))
    match = _ERROR.fullmatch(text)
    assert match is not None, "the pattern matches every text"
    path = (match["path"] or "").removeprefix(".")
    what = match["what"]
    if missing := _MISSING.match(what):
        return refuse.invalid(kind, name, [required(f"{path}.{missing['field']}".removeprefix("."))])
    expected = _EXPECTED.match(what)
    if expected is None or not expected["got"]:
        value = _value_at(obj, path)
        return refuse.invalid(
            kind, name, [FieldError(path, f"Invalid value: {_shown(value)}: {_limit(what)}")]
        )
    if kind.builtin:
        return BadRequest(_go_text(kind, obj, path, expected["wanted"], expected["got"]))
    return refuse.invalid(kind, name, [_type_error(path, expected["wanted"], expected["got"])])


def _type_error(path: str, wanted: str, got: str) -> FieldError:
    found = _JSON_WORD.get(got, got)
    types = ", ".join(_JSON_WORD.get(w, w) for w in wanted.split(" | ") if w != "null")
    detail = f'Invalid value: "{found}": {path} in body must be of type {types}: "{found}"'
    return FieldError(path, detail, "FieldValueTypeInvalid")


def _go_text(kind: Kind[Any], obj: Json, path: str, wanted: str, got: str) -> str:
    version = str(obj.get("apiVersion", kind.api_version)).rpartition("/")[2]
    go_path = re.sub(r"\[[^]]*\]", "", path)
    go_type = _GO_WORD.get(wanted.split(" | ")[0], wanted.split(" | ")[0])
    return (
        f'{kind.name} in version "{version}" cannot be handled as a {kind.name}: json: cannot unmarshal '
        f"{_GO_GOT.get(got, got)} into Go struct field {kind.name}.{go_path} of type {go_type}"
    )


def _limit(what: str) -> str:
    for pattern, text in _LIMITS:
        if found := pattern.search(what):
            return text.format(found[1])
    return what


_LIMITS = (
    (re.compile(r">= (\S+)"), "should be greater than or equal to {}"),
    (re.compile(r"<= (\S+) *$"), "should be less than or equal to {}"),
    (re.compile(r"matching regex '(.*)'"), "should match '{}'"),
)


def _value_at(obj: Any, path: str) -> Any:
    for step in re.findall(r"[^.\[\]]+", path):
        try:
            obj = obj[int(step)] if isinstance(obj, list) else obj.get(step)
        except (ValueError, IndexError, AttributeError):
            return None
    return obj


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def check_rules(kind: Kind[Any], obj: Json, old: Json | None, *, strict: bool) -> None:
    """Refuse an object that breaks rules of its kind, all of them told. Invalid."""
    errors = list(_generic(kind, obj))
    try:
        errors += kind.check(old, obj)
    except msgspec.ValidationError as error:
        raise structural_error(kind, obj, str(error)) from error
    if strict:
        errors += kind.strict(obj)
    if errors:
        raise refuse.invalid(kind, obj["metadata"].get("name", ""), errors)


def _generic(kind: Kind[Any], obj: Json) -> FieldErrors:
    meta = obj["metadata"]
    name = meta.get("name", "")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif kind.group in _PATH_NAMED_GROUPS:
        if name in (".", "..") or "/" in name or "%" in name:
            yield FieldError("metadata.name", f"Invalid value: {_shown(name)}: may not contain '/' or '%'")
    elif not kind.builtin:  # built-in kinds have their own rule for names
        yield from check("metadata.name", name, dns_subdomain)
    yield from check_labels("metadata.labels", meta.get("labels"))
    for i, owner in enumerate(meta.get("ownerReferences") or ()):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield FieldError(
                    f"metadata.ownerReferences[{i}].{field}", 'Invalid value: "": must not be empty'
                )


def normal(kind: Kind[Any], obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` as stored: nulls dropped, apiVersion the stored one."""
    if (incoming := kind.extra.get("incoming")) is not None:
        out: dict[str, Any] = dict(incoming(obj))
    else:
        out = without_nulls(obj, kind_shape(kind))
    out["apiVersion"], out["kind"] = kind.api_version, kind.name
    return out
