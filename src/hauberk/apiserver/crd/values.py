"""Whether a value fits a schema: compiled once for each schema, all errors told in upstream's words.

Source: kube-openapi pkg/validation/validate (validator.go, object_validator.go, slice_validator.go,
schema_props.go, type.go) and errors/schema.go for the texts; apiextensions-apiserver
pkg/apiserver/validation/validation.go (kubeOpenAPIResultToFieldErrors) for what becomes of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from hauberk.apiserver.crd import formats, listtypes, patterns
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json

Errors = list[FieldError]
Check = Callable[[Any, str, Errors], None]
"""Judges a value at a path and appends what is wrong."""

EMBEDDED_META = {"type": "object"}


def compiled(schema: Json) -> Check:
    """The judge of one schema."""
    checks = list(_checks(schema))
    typed = _type_check(schema)
    nullable = bool(schema.get("nullable"))

    def check(value: Any, path: str, errors: Errors) -> None:
        if value is None and nullable:
            return
        if typed is not None and not typed(value, path, errors):
            return
        for one in checks:
            one(value, path, errors)

    return check


def _checks(schema: Json) -> Iterable[Check]:
    if "enum" in schema:
        yield _enum(schema["enum"])
    types = _types(schema)
    if types is None or "string" in types:
        yield from _of_strings(schema)
    if types is None or types & {"integer", "number"}:
        yield from _of_numbers(schema)
    if types is None or "array" in types:
        yield from _of_lists(schema)
    if types is None or "object" in types:
        yield from _of_objects(schema)
    yield from _of_junctors(schema)


def _types(schema: Json) -> set[str] | None:
    if schema.get("x-kubernetes-int-or-string"):
        return {"integer", "string"}
    return {schema["type"]} if schema.get("type") else None


def type_name(value: Any) -> str:
    """A value's type as upstream's errors say it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def type_error(path: str, wanted: str, value: Any) -> FieldError:
    """The value is of another type."""
    found = type_name(value)
    detail = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
    return FieldError(path or "<nil>", detail, "FieldValueTypeInvalid")


def _type_check(schema: Json) -> Callable[[Any, str, Errors], bool] | None:
    types = _types(schema)
    if types is None:
        # Free-form: only null is refused, and only where fields may not be kept as they come.
        return None
    wanted = ",".join(sorted(types))

    def fits(value: Any, path: str, errors: Errors) -> bool:
        found = type_name(value)
        if found in types or (found == "integer" and "number" in types):
            return True
        if found == "number" and "integer" in types and math.isfinite(value) and value == int(value):
            return True
        errors.append(type_error(path, wanted, value))
        return False

    return fits


def broken(path: str, value: Any, detail: str) -> FieldError:
    """The value breaks a limit; `detail` follows the path's name."""
    return FieldError(path, f"Invalid value: {shown(value)}: {path} in body {detail}")


def shown(value: Any) -> str:
    """A value as Go prints it in field errors: JSON for what is not a scalar."""
    return orjson.dumps(value).decode()


def _enum(values: Sequence[Any]) -> Check:
    names = ", ".join(shown(v) if isinstance(v, str) else f'"{shown(v)}"' for v in values)

    def check(value: Any, path: str, errors: Errors) -> None:
        if not any(_same(value, v) for v in values):
            text = f"Unsupported value: {shown(value)}: supported values: {names}"
            errors.append(FieldError(path, text, "FieldValueNotSupported"))

    return check


def _same(a: Any, b: Any) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _of_strings(schema: Json) -> Iterable[Check]:
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    pattern, form = schema.get("pattern"), schema.get("format")
    matches = patterns.matcher(pattern) if pattern else None
    known = formats.FORMATS.get(form) if form else None

    def check(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, str):
            return
        if longest is not None and len(value) > longest:
            errors.append(
                FieldError(path, f"Too long: may not be more than {longest} bytes", "FieldValueTooLong")
            )
        if shortest is not None and len(value) < shortest:
            errors.append(broken(path, value, f"should be at least {shortest} chars long"))
        if matches is not None and not matches(value):
            errors.append(broken(path, value, f"should match '{pattern}'"))
        if known is not None and not known(value):
            detail = f'must be of type {form}: "{value}"'
            error = broken(path, value, detail)
            errors.append(FieldError(error.path, error.message, "FieldValueTypeInvalid"))

    if longest is not None or shortest is not None or pattern or known is not None:
        yield check


def _of_numbers(schema: Json) -> Iterable[Check]:
    least, most, step = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
    above, under = bool(schema.get("exclusiveMinimum")), bool(schema.get("exclusiveMaximum"))

    def check(value: Any, path: str, errors: Errors) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if least is not None and (value < least or (above and value == least)):
            errors.append(
                broken(path, value, f"should be greater than {'' if above else 'or equal to '}{least}")
            )
        if most is not None and (value > most or (under and value == most)):
            errors.append(broken(path, value, f"should be less than {'' if under else 'or equal to '}{most}"))
        if step is not None and value % step != 0:
            errors.append(broken(path, value, f"should be a multiple of {step}"))

    if least is not None or most is not None or step is not None:
        yield check


def too_many(path: str, found: int, most: int) -> FieldError:
    """More items than allowed."""
    return FieldError(path, f"Too many: {found}: must have at most {most} items", "FieldValueTooMany")


def _of_lists(schema: Json) -> Iterable[Check]:
    fewest, most = schema.get("minItems"), schema.get("maxItems")
    item = compiled(schema["items"]) if isinstance(schema.get("items"), Mapping) else None
    distinct = listtypes.distinct(schema)

    def check(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, list):
            return
        if fewest is not None and len(value) < fewest:
            errors.append(broken(path, len(value), f"should have at least {fewest} items"))
        if most is not None and len(value) > most:
            errors.append(too_many(path, len(value), most))
        if item is not None:
            for i, one in enumerate(value):
                item(one, f"{path}[{i}]", errors)
        if distinct is not None:
            errors.extend(distinct(value, path))

    if fewest is not None or most is not None or item is not None or distinct is not None:
        yield check


def _of_objects(schema: Json) -> Iterable[Check]:
    fewest, most = schema.get("minProperties"), schema.get("maxProperties")

    def counted(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, Mapping):
            return
        if fewest is not None and len(value) < fewest:
            errors.append(broken(path, len(value), f"should have at least {fewest} properties"))
        if most is not None and len(value) > most:
            errors.append(too_many(path, len(value), most))

    if fewest is not None or most is not None:
        yield counted
    yield from _of_fields(schema)


def _of_fields(schema: Json) -> Iterable[Check]:
    fields = {name: compiled(inner) for name, inner in (schema.get("properties") or {}).items()}
    required = tuple(schema.get("required") or ())
    others = schema.get("additionalProperties")
    other = compiled(others) if isinstance(others, Mapping) else None
    closed = others is False

    def check(value: Any, path: str, errors: Errors) -> None:
        if not isinstance(value, Mapping):
            return
        for name in required:
            if name not in value:
                errors.append(FieldError(below(path, name), "Required value", "FieldValueRequired"))
        for name, one in value.items():
            inner = fields.get(name, other)
            if inner is not None:
                inner(one, below(path, name), errors)
            elif closed and name not in fields:
                where = below(path, name)
                errors.append(FieldError(where, f"Forbidden: {where} in body is a forbidden property"))

    if fields or required or other is not None or closed:
        yield check


def below(path: str, name: str) -> str:
    """The path of a field."""
    return f"{path}.{name}" if path else name


def _of_junctors(schema: Json) -> Iterable[Check]:
    if schema.get("allOf"):
        yield _all_of([compiled(inner) for inner in schema["allOf"]])
    if schema.get("anyOf"):
        yield _some_of([compiled(inner) for inner in schema["anyOf"]], one=False)
    if schema.get("oneOf"):
        yield _some_of([compiled(inner) for inner in schema["oneOf"]], one=True)
    if isinstance(schema.get("not"), Mapping):
        yield _not(compiled(schema["not"]))


def _composite(path: str, text: str) -> FieldError:
    return FieldError(path or "<nil>", f'Invalid value: "": "{path}" {text}')


def _found(check: Check, value: Any, path: str) -> Errors:
    errors: Errors = []
    check(value, path, errors)
    return errors


def _count(found: Errors) -> int:
    return len(found)


def _all_of(checks: Sequence[Check]) -> Check:
    def check(value: Any, path: str, errors: Errors) -> None:
        failed = [found for one in checks if (found := _found(one, value, path))]
        if failed:
            word = ". None validated" if len(failed) == len(checks) else ""
            errors.append(_composite(path, f"must validate all the schemas (allOf){word}"))
            errors.extend(error for found in failed for error in found)

    return check


def _some_of(checks: Sequence[Check], *, one: bool) -> Check:
    def check(value: Any, path: str, errors: Errors) -> None:
        results = [_found(c, value, path) for c in checks]
        passed = sum(1 for found in results if not found)
        if passed == 1 or (passed and not one):
            return
        if not one:
            errors.append(_composite(path, "must validate at least one schema (anyOf)"))
        else:
            what = f"Found {passed} valid alternatives" if passed else "Found none valid"
            errors.append(_composite(path, f"must validate one and only one schema (oneOf). {what}"))
        if not passed:
            errors.extend(sorted(results, key=_count)[0])

    return check


def _not(inner: Check) -> Check:
    def check(value: Any, path: str, errors: Errors) -> None:
        if not _found(inner, value, path):
            errors.append(_composite(path, "must not validate the schema (not)"))

    return check
