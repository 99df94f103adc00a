# ruff: noqa: E501  a row of a table stays on one line
"""What schemas say about values: limits, junctors, pruning, defaults, structure."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.apiserver.crd import patterns, rules, shaping, structural, values
from hauberk.base.fields import FieldError

OBJECT = {"type": "object"}
TEXT = {"type": "string"}


def problems(schema: Any, value: Any) -> list[str]:
    errors: list[FieldError] = []
    values.compiled(schema)(value, "spec.a", errors)
    return [str(e) for e in errors]


@pytest.mark.parametrize(
    ("schema", "fits", "breaks", "text"),
    [
        ({"type": "integer"}, 1, "1", 'Invalid value: "string": spec.a in body must be of type integer: "string"'),
        ({"type": "integer"}, 2.0, 2.5, 'Invalid value: "number": spec.a in body must be of type integer: "number"'),
        ({"type": "number"}, 1, True, 'Invalid value: "boolean": spec.a in body must be of type number: "boolean"'),
        ({"type": "boolean"}, False, 0, 'Invalid value: "integer": spec.a in body must be of type boolean: "integer"'),
        (TEXT, "", None, 'Invalid value: "null": spec.a in body must be of type string: "null"'),
        ({**TEXT, "nullable": True}, None, 1, 'Invalid value: "integer": spec.a in body must be of type string: "integer"'),
        ({"type": "integer", "minimum": 2}, 2, 1, "Invalid value: 1: spec.a in body should be greater than or equal to 2"),
        ({"type": "integer", "minimum": 2, "exclusiveMinimum": True}, 3, 2,
         "Invalid value: 2: spec.a in body should be greater than 2"),
        ({"type": "number", "maximum": 2.5}, 2.5, 3, "Invalid value: 3: spec.a in body should be less than or equal to 2.5"),
        ({"type": "integer", "multipleOf": 3}, 9, 10, "Invalid value: 10: spec.a in body should be a multiple of 3"),
        ({**TEXT, "minLength": 2}, "ab", "a", 'Invalid value: "a": spec.a in body should be at least 2 chars long'),
        ({**TEXT, "maxLength": 2}, "ab", "abc", "Too long: may not be more than 2 bytes"),
        ({**TEXT, "pattern": "^a+$"}, "aa", "b", "Invalid value: \"b\": spec.a in body should match '^a+$'"),
        ({**TEXT, "enum": ["x", "y"]}, "x", "z", 'Unsupported value: "z": supported values: "x", "y"'),
        ({**TEXT, "format": "date-time"}, "2024-01-02T03:04:05Z", "soon",
         'Invalid value: "soon": spec.a in body must be of type date-time: "soon"'),
        ({**TEXT, "format": "ipv4"}, "10.0.0.1", "10.0.0", 'Invalid value: "10.0.0": spec.a in body must be of type ipv4: "10.0.0"'),
        ({**TEXT, "format": "unheard-of"}, "anything", 1, 'Invalid value: "integer": spec.a in body must be of type string: "integer"'),
        ({"type": "array", "items": TEXT, "minItems": 1}, ["a"], [], "Invalid value: 0: spec.a in body should have at least 1 items"),
        ({"type": "array", "items": TEXT, "maxItems": 1}, ["a"], ["a", "b"], "Too many: 2: must have at most 1 items"),
        ({"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"}, ["a"], ["a", "a"], 'spec.a[1]: Duplicate value: "a"'),
        ({**OBJECT, "maxProperties": 1, "additionalProperties": TEXT}, {"a": ""}, {"a": "", "b": ""},
         "Too many: 2: must have at most 1 items"),
        ({**OBJECT, "properties": {"b": TEXT}, "required": ["b"]}, {"b": ""}, {}, "spec.a.b: Required value"),
        ({"x-kubernetes-int-or-string": True}, "80", 1.5,
         'Invalid value: "number": spec.a in body must be of type integer,string: "number"'),
        ({**TEXT, "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]}, "b", "c",
         'Invalid value: "": "spec.a" must validate at least one schema (anyOf)'),
        ({**OBJECT, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1}, {"a": 1, "b": 1},
         'Invalid value: "": "spec.a" must validate one and only one schema (oneOf). Found 2 valid alternatives'),
        ({**OBJECT, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}, {},
         'Invalid value: "": "spec.a" must validate one and only one schema (oneOf). Found none valid'),
        ({**TEXT, "not": {"enum": ["no"]}}, "yes", "no", 'Invalid value: "": "spec.a" must not validate the schema (not)'),
        ({**TEXT, "allOf": [{"minLength": 1}, {"maxLength": 2}]}, "a", "",
         'Invalid value: "": "spec.a" must validate all the schemas (allOf)'),
    ],
)  # fmt: skip
def test_values_against_schemas(schema: Any, fits: Any, breaks: Any, text: str):
    assert problems(schema, fits) == []
    found = problems(schema, breaks)
    assert found, "the second value breaks the schema"
    assert text in found[0]


PRUNING = {
    **OBJECT,
    "properties": {
        "kept": {**OBJECT, "x-kubernetes-preserve-unknown-fields": True, "properties": {"in": OBJECT}},
        "map": {**OBJECT, "additionalProperties": {**OBJECT, "properties": {"a": TEXT}}},
        "list": {"type": "array", "items": {**OBJECT, "properties": {"a": TEXT}}},
        "pod": {**OBJECT, "x-kubernetes-embedded-resource": True, "properties": {"spec": OBJECT}},
    },
}


@pytest.mark.parametrize(
    ("value", "left", "paths"),
    [
        ({"x": 1}, {}, ["x"]),
        ({"kept": {"x": 1, "in": {"y": 1}}}, {"kept": {"x": 1, "in": {}}}, ["kept.in.y"]),
        ({"map": {"k": {"a": "", "b": ""}}}, {"map": {"k": {"a": ""}}}, ["map.k.b"]),
        ({"list": [{"a": ""}, {"b": ""}]}, {"list": [{"a": ""}, {}]}, ["list[1].b"]),
        ({"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "z": 1}},
         {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}}, ["pod.z"]),
        ({"apiVersion": "v1", "kind": "K", "metadata": {"any": 1}},
         {"apiVersion": "v1", "kind": "K", "metadata": {"any": 1}}, []),
    ],
)  # fmt: skip
def test_pruning(value: Any, left: Any, paths: list[str]):
    assert shaping.pruned(PRUNING, value) == left
    assert shaping.unknown(PRUNING, value) == paths
    if not paths:
        assert shaping.pruned(PRUNING, value) is value  # nothing is copied for nothing


DEFAULTS = {
    **OBJECT,
    "properties": {
        "a": {**TEXT, "default": "x"},
        "n": {**TEXT, "nullable": True, "default": "x"},
        "in": {**OBJECT, "default": {}, "properties": {"b": {"type": "integer", "default": 1}}},
        "list": {"type": "array", "items": {**OBJECT, "properties": {"c": {**TEXT, "default": "y"}}}},
    },
}


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ({}, {"a": "x", "n": "x", "in": {"b": 1}}),
        ({"a": None, "n": None, "in": {}}, {"a": "x", "n": None, "in": {"b": 1}}),
        ({"a": "", "n": "", "in": {"b": 0}, "list": [{}, {"c": ""}]},
         {"a": "", "n": "", "in": {"b": 0}, "list": [{"c": "y"}, {"c": ""}]}),
    ],
)  # fmt: skip
def test_defaults(value: Any, filled: Any):
    assert shaping.defaulted(DEFAULTS, value) == filled
    assert shaping.defaulted(DEFAULTS, filled) is filled


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"properties": {}}, "s.type: Required value: must not be empty at the root"),
        (TEXT, 's.type: Invalid value: "string": must be object at the root'),
        ({**OBJECT, "properties": {"a": {}}}, "s.properties[a].type: Required value: must not be empty for specified object fields"),
        ({**OBJECT, "properties": {"a": {"type": "array"}}}, "s.properties[a].items: Required value: must be specified"),
        ({**OBJECT, "additionalProperties": TEXT}, "s.additionalProperties: Forbidden: must not be used at the root"),
        ({**OBJECT, "anyOf": [{"properties": {"a": {"minimum": 1}}}]},
         "s.properties[a]: Required value: because it is defined in s.anyOf[0].properties[a]"),
        ({**OBJECT, "properties": {"a": TEXT}, "allOf": [{"properties": {"a": TEXT}}]},
         "s.allOf[0].properties[a].type: Forbidden: must be empty to be structural"),
        ({**OBJECT, "properties": {"metadata": {**OBJECT, "properties": {"labels": OBJECT}}}},
         "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"),
        ({**OBJECT, "properties": {"a": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}}}, ""),
        ({**OBJECT, "properties": {"a": {**TEXT, "pattern": "(?=x)"}}}, "must be a valid regular expression, but isn't"),
        ({**OBJECT, "properties": {"a": {**OBJECT, "x-kubernetes-embedded-resource": True}}},
         "s.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true "
         "without x-kubernetes-preserve-unknown-fields"),
    ],
)  # fmt: skip
def test_structural_schemas(schema: Any, text: str):
    found = [str(p) for p in structural.problems("s", schema)]
    assert bool(found) == bool(text), found
    assert not text or any(text in one for one in found), found


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({**OBJECT, "properties": {"a": {"type": "null"}}}, "type cannot be set to null, use nullable as an alternative"),
        ({**OBJECT, "properties": {"a": {"type": "array", "items": TEXT, "uniqueItems": True}}}, "uniqueItems cannot be set to true"),
        ({**OBJECT, "properties": {"a": {**OBJECT, "properties": {"b": TEXT}, "additionalProperties": TEXT}}},
         "additionalProperties and properties are mutual exclusive"),
        ({**OBJECT, "properties": {"a": {**TEXT, "default": 1}}}, 'must be of type string: "integer"'),
        ({**OBJECT, "properties": {"a": {**OBJECT, "default": {"b": 1}}}}, "must not have unknown fields"),
        ({**OBJECT, "properties": {"a": {"type": "array", "items": OBJECT, "x-kubernetes-list-type": "map"}}},
         "must not be empty if x-kubernetes-list-type is map"),
        ({**OBJECT, "properties": {"a": {"type": "array", "items": {**OBJECT, "properties": {"k": TEXT}},
          "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}}},
         "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"),
        ({**OBJECT, "$ref": "#/x"}, "$ref is not supported"),
    ],
)  # fmt: skip
def test_schemas_that_are_no_schemas_of_definitions(schema: Any, text: str):
    assert any(text in str(p) for p in rules.schema_problems(schema, "s"))


@pytest.mark.parametrize(
    ("pattern", "fine"),
    [("^[A-Za-z0-9!#$%&'*+\\-.]+$", True), (r"^\pL+$", True), (r"\z", True), ("(?!a)", False), (r"(a)\1", False), ("a++", False)],
)  # fmt: skip
def test_patterns_are_re2s(pattern: str, fine: bool):
    assert (patterns.problem(pattern) == "") == fine
    if pattern == r"^\pL+$":
        assert patterns.matcher(pattern)("é")
        assert not patterns.matcher(pattern)("1")
