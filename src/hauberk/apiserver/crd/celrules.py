"""`x-kubernetes-validations`: rules of a schema as CEL expressions.

Source: apiextensions-apiserver pkg/apiserver/schema/cel/{compilation,validation}.go;
pkg/apis/apiextensions/validation/validation.go (ValidationRules).
Deviation: `self` has no static type, so a field that the schema does not have is found when a rule
runs, not when the definition is made; costs are neither estimated nor limited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.apiserver import cel
from hauberk.apiserver.crd import values
from hauberk.apiserver.crd.celvalues import converter
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.rules import forbidden, invalid, required, unsupported

WORD = "x-kubernetes-validations"
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_OLD = re.compile(r"\boldSelf\b")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_PLAIN = ("oldSelf", "self")
_OPTIONAL = ("old", "self")


def uses_old(text: str) -> bool:
    """Whether an expression looks at the object before the change."""
    return bool(_OLD.search(_STRING.sub("", text)))


def problems(schema: Json, path: str) -> FieldErrors:
    """What is wrong with the rules of a schema, wherever they stand."""
    yield from _problems(schema, path, correlatable=True)


def _problems(schema: Json, path: str, *, correlatable: bool) -> FieldErrors:
    for i, rule in enumerate(schema.get(WORD) or ()):
        yield from _rule_problems(rule, f"{path}.{WORD}[{i}]", correlatable=correlatable)
    for name, inner in (schema.get("properties") or {}).items():
        yield from _problems(inner, f"{path}.properties[{name}]", correlatable=correlatable)
    if isinstance(schema.get("additionalProperties"), Mapping):
        inner = schema["additionalProperties"]
        yield from _problems(inner, f"{path}.additionalProperties", correlatable=correlatable)
    if isinstance(schema.get("items"), Mapping):
        keyed = schema.get("x-kubernetes-list-type") == "map"
        yield from _problems(schema["items"], f"{path}.items", correlatable=correlatable and keyed)


def _rule_problems(rule: Json, path: str, *, correlatable: bool) -> FieldErrors:
    text = rule.get("rule", "")
    if not text.strip():
        yield required(f"{path}.rule", "rule is not specified")
        return
    if "message" in rule and not rule["message"].strip():
        yield invalid(f"{path}.message", rule["message"], "message must be non-empty if specified")
    elif "\n" in rule.get("message", "").strip():
        yield invalid(f"{path}.message", rule["message"], "message must not contain line breaks")
    elif "\n" in text.strip() and not rule.get("message"):
        yield required(f"{path}.message", "message must be specified if rule contains line breaks")
    if rule.get("reason") is not None and rule["reason"] not in _REASONS:
        yield unsupported(f"{path}.reason", rule["reason"], _REASONS)
    if rule.get("optionalOldSelf") and not uses_old(text):
        yield invalid(f"{path}.optionalOldSelf", True, "may not be set if oldSelf is not used in rule")
    if uses_old(text) and not correlatable:
        yield invalid(
            f"{path}.rule", text, "oldSelf cannot be used on the uncorrelatable portion of the schema"
        )
    yield from _expression(text, f"{path}.rule", optional=bool(rule.get("optionalOldSelf")), wanted="BOOL")
    if rule.get("messageExpression"):
        yield from _expression(
            rule["messageExpression"], f"{path}.messageExpression", optional=False, wanted="STRING"
        )
    if (field := rule.get("fieldPath")) and not field.startswith((".", "[")):
        yield invalid(
            f"{path}.fieldPath", field, "fieldPath must be a valid path: expected [ or . but got: " + field
        )


def _expression(text: str, path: str, *, optional: bool, wanted: str) -> FieldErrors:
    try:
        found = _program(text, optional=optional).result
    except cel.Refused as error:
        yield invalid(path, text, f"compilation failed: {error}")
        return
    if found not in (wanted, "DYN"):
        name = {"BOOL": "bool", "STRING": "string"}[wanted]
        yield invalid(path, text, f"cel expression must evaluate to a {name}")


def _program(text: str, *, optional: bool) -> cel.Program:
    # An optional cannot be given from outside: it is made of a list that holds the old value or nothing.
    if optional:
        return cel.program(f"cel.bind(oldSelf, old[?0], {text}\n)", _OPTIONAL)
    return cel.program(text, _PLAIN)


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    run: cel.Program
    text: str
    message: str
    say: cel.Program | None
    transition: bool
    optional: bool
    reason: str
    field: str


Judge = Callable[[Any, Any, bool, str], Iterator[FieldError]]
"""From the value, the value before (with whether there was one) and the path to what is wrong."""


def judge_of(schema: Json) -> Judge | None:
    """All rules of a schema, compiled; None when it has none."""
    inside = list(_inside(schema))
    rules = [_compiled(rule) for rule in schema.get(WORD) or ()]
    if not inside and not rules:
        return None
    convert, kind = converter(schema), str(schema.get("type") or "")

    def judge(value: Any, old: Any, known: bool, path: str) -> Iterator[FieldError]:
        if value is None:
            return
        if rules:
            yield from _judge_here(rules, convert, kind, value, old, known, path)
        for one in inside:
            yield from one(value, old, known, path)

    return judge


def _compiled(rule: Json) -> Rule:
    text, message = rule["rule"], rule.get("message", "").strip()
    say = rule.get("messageExpression")
    optional = bool(rule.get("optionalOldSelf"))
    return Rule(
        run=_program(text, optional=optional),
        text=message or text.strip(),
        message=message or f"failed rule: {text.strip()}",
        say=_program(say, optional=False) if say else None,
        transition=uses_old(text),
        optional=optional,
        reason=rule.get("reason") or "FieldValueInvalid",
        field=rule.get("fieldPath", ""),
    )


def _judge_here(
    rules: list[Rule], convert: Any, kind: str, value: Any, old: Any, known: bool, path: str
) -> Iterator[FieldError]:
    same = known and value == old
    seen = convert(value) if convert else value
    before = (convert(old) if convert else old) if known and old is not None else None
    for rule in rules:
        if (rule.transition and not rule.optional and before is None) or (same and not rule.transition):
            continue
        variables = {"self": seen, "oldSelf": before, "old": [] if before is None else [before]}
        try:
            fine = rule.run(variables)
        except cel.Failed as error:
            yield invalid(path or "<nil>", kind, f"{error} evaluating rule: {rule.text}")
            continue
        if fine is not True:
            yield _error(rule, kind, _message(rule, variables), path)


def _message(rule: Rule, variables: Json) -> str:
    if rule.say is None:
        return rule.message
    try:
        found = rule.say(variables)
    except cel.Failed:
        return rule.message
    text = found.strip() if isinstance(found, str) else ""
    return text if text and "\n" not in text else rule.message


def _error(rule: Rule, kind: str, detail: str, path: str) -> FieldError:
    where = f"{path}{rule.field}".lstrip(".") or "<nil>"
    match rule.reason:
        case "FieldValueForbidden":
            return forbidden(where, detail)
        case "FieldValueRequired":
            return required(where, detail)
        case "FieldValueDuplicate":
            return FieldError(where, f'Duplicate value: "{kind}"', "FieldValueDuplicate")
        case _:
            return invalid(where, kind, detail)


def _inside(schema: Json) -> Iterator[Judge]:
    fields = {n: j for n, s in (schema.get("properties") or {}).items() if (j := judge_of(s)) is not None}
    if fields:
        yield _of_fields(fields)
    others, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(others, Mapping) and (inner := judge_of(others)) is not None:
        yield _of_map(inner)
    if isinstance(items, Mapping) and (inner := judge_of(items)) is not None:
        keys = schema.get("x-kubernetes-list-map-keys") or ()
        yield _of_list(inner, tuple(keys) if schema.get("x-kubernetes-list-type") == "map" else ())


def _old_fields(old: Any) -> Json:
    return old if isinstance(old, Mapping) else {}


def _of_fields(fields: Mapping[str, Judge]) -> Judge:
    def judge(value: Any, old: Any, known: bool, path: str) -> Iterator[FieldError]:
        if isinstance(value, Mapping):
            before = _old_fields(old)
            for name, inner in fields.items():
                if name in value:
                    found = known and name in before
                    yield from inner(value[name], before.get(name), found, values.below(path, name))

    return judge


def _of_map(inner: Judge) -> Judge:
    def judge(value: Any, old: Any, known: bool, path: str) -> Iterator[FieldError]:
        if isinstance(value, Mapping):
            before = _old_fields(old)
            for name, item in value.items():
                yield from inner(item, before.get(name), known and name in before, f"{path}[{name}]")

    return judge


def _of_list(inner: Judge, keys: tuple[str, ...]) -> Judge:
    def judge(value: Any, old: Any, known: bool, path: str) -> Iterator[FieldError]:
        if not isinstance(value, list):
            return
        before = {_key(o, keys): o for o in old} if known and keys and isinstance(old, list) else {}
        for i, item in enumerate(value):
            key = _key(item, keys)
            yield from inner(item, before.get(key), key in before, f"{path}[{i}]")

    return judge


def _key(item: Any, keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(repr(item.get(k)) for k in keys) if isinstance(item, Mapping) else ()
