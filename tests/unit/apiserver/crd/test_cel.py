# ruff: noqa: E501  a row of a table stays on one line
"""Expressions: Kubernetes' functions, rules of schemas, what they say when they fail."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.apiserver import cel
from hauberk.apiserver.crd import celrules
from hauberk.apiserver.crd.celvalues import escaped
from hauberk.apiserver.crd.check import Checker

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2, 3].sum() == 6 && [1, 2].max() == 2 && ['b', 'a'].min() == 'a'",
        "['a', 'b'].isSorted() && !['b', 'a'].isSorted() && [1, 2, 1].lastIndexOf(1) == 2 && ['x'].indexOf('y') == -1",
        "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22']",
        "quantity('1Gi').isGreaterThan(quantity('1M')) && quantity('1500m').compareTo(quantity('1.5')) == 0",
        "quantity('1').add(quantity('1k')).sub(1).asInteger() == 1000 && quantity('50k').isInteger()",
        "isQuantity('20Mi') && !isQuantity('20M i') && quantity('-1').sign() == -1",
        "quantity('1000m') == quantity('1')",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
        "isSemver('1.0.0') && !isSemver('v1.0') && semver('1.2.3').minor() == 2",
        "ip('192.168.0.1').family() == 4 && isIP('::1') && !isIP('1.2.3') && ip('127.0.0.1').isLoopback()",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16'))",
        "cidr('192.168.1.5/24').masked() == cidr('192.168.1.0/24') && cidr('10.0.0.0/8').prefixLength() == 8",
        "url('https://a.example.com:80/x?k=v').getHost() == 'a.example.com:80' && isURL('/x') && !isURL('x')",
        "url('https://a.example.com/x?k=v&k=w').getQuery()['k'] == ['v', 'w']",
        "sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 1], [1])",
        "format.dns1123Label().validate('Not-A-Label').hasValue() && !format.dns1123Label().validate('ok').hasValue()",
        "self.?missing.orValue('x') == 'x' && self.name.upperAscii() == 'A' && cel.bind(v, 1, v + 1) == 2",
        "'%s-%d'.format(['a', 1]) == 'a-1' && 'a,b'.split(',').join('-') == 'a-b' && math.greatest(1, 2) == 2",
    ],
)
def test_kubernetes_functions(text: str):
    assert cel.program(text, ("self",))({"self": {"name": "a"}}) is True


@pytest.mark.parametrize(
    ("text", "told"),
    [("self.none", "no such key: none"), ("1 / self.zero == 1", "division by zero"), ("quantity('x').sign()", "quantities must match")],
)  # fmt: skip
def test_what_has_no_value_says_why(text: str, told: str):
    with pytest.raises(cel.Failed, match=told):
        cel.program(text, ("self",))({"self": {"zero": 0}})


@pytest.mark.parametrize(
    ("text", "told"),
    [("self. ", "Syntax error"), ("'a' + 1", "found no matching overload"), ("x", "undeclared")],
)
def test_what_does_not_compile_says_where(text: str, told: str):
    with pytest.raises(cel.Refused, match=told):
        cel.program(text, ("self",))


def rule(text: str, **more: Any) -> Any:
    return {"rule": text, **more}


def checker(schema: Any) -> Checker:
    return Checker({"type": "object", "properties": {"spec": schema}})


def test_a_rule_says_its_message_or_itself():
    found = checker(
        {**TEXT, "x-kubernetes-validations": [rule("self == 'a'"), rule("self != 'b'", message="no b")]}
    )
    assert [str(e) for e in found({"spec": "b"}, None)] == [
        "spec: Invalid value: \"string\": failed rule: self == 'a'",
        'spec: Invalid value: "string": no b',
    ]


def test_transition_rules_need_a_value_before():
    found = checker({**TEXT, "x-kubernetes-validations": [rule("self == oldSelf", message="immutable")]})
    assert found({"spec": "b"}, None) == []
    assert found({"spec": "b"}, {}) == []
    assert len(found({"spec": "b"}, {"spec": "a"})) == 1


def test_optional_old_self_is_asked_without_one_too():
    text = "oldSelf.hasValue() ? oldSelf.value() <= self : self == 0"
    schema = {"type": "integer", "x-kubernetes-validations": [rule(text, optionalOldSelf=True)]}
    found = checker(schema)
    assert found({"spec": 0}, None) == []
    assert len(found({"spec": 1}, None)) == 1
    assert found({"spec": 2}, {"spec": 1}) == []
    assert len(found({"spec": 1}, {"spec": 2})) == 1


def test_items_of_maps_meet_their_old_selves_by_key():
    item = {
        "type": "object",
        "required": ["k"],
        "properties": {"k": TEXT, "v": TEXT},
        "x-kubernetes-validations": [rule("self.v == oldSelf.v", message="fixed")],
    }
    schema = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
    }
    found = checker(schema)
    old = {"spec": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}]}
    assert found({"spec": [{"k": "b", "v": "2"}, {"k": "c", "v": "9"}, {"k": "a", "v": "1"}]}, old) == []
    assert [e.path for e in found({"spec": [{"k": "b", "v": "3"}]}, old)] == ["spec[0]"]


def test_what_was_wrong_before_may_stay():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "maximum": 1}, "b": TEXT},
        "x-kubernetes-validations": [rule("self.b != 'bad'")],
    }
    found = checker(schema)
    assert found({"spec": {"a": 5, "b": "x"}}, {"spec": {"a": 5, "b": "y"}}) == []
    assert len(found({"spec": {"a": 6, "b": "x"}}, {"spec": {"a": 5, "b": "y"}})) >= 1


def test_formats_and_names_are_cels():
    schema = {
        "type": "object",
        "properties": {
            "at": {**TEXT, "format": "date-time"},
            "for": {**TEXT, "format": "duration"},
            "a-b": TEXT,
            "ratio": {"type": "number"},
        },
        "x-kubernetes-validations": [
            rule("self.at.getFullYear() == 2024 && self.__for__ == duration('90s')"),
            rule("self.a__dash__b == 'x' && self.ratio * 2.0 == 4.0"),
        ],
    }
    assert (
        checker(schema)(
            {"spec": {"at": "2024-01-02T03:04:05Z", "for": "1m30s", "a-b": "x", "ratio": 2}}, None
        )
        == []
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [("plain", "plain"), ("a-b", "a__dash__b"), ("a.b/c", "a__dot__b__slash__c"), ("a__b", "a__underscores__b"), ("for", "__for__"), ("1x", None)],
)  # fmt: skip
def test_names_of_fields(name: str, text: str | None):
    assert escaped(name) == text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (rule(""), "rule is not specified"),
        (rule("self.a ==="), "compilation failed: ERROR: <input>:1:"),
        (rule("'text'"), "cel expression must evaluate to a bool"),
        (rule("true", reason="Because"), "Unsupported value"),
        (rule("true", optionalOldSelf=True), "may not be set if oldSelf is not used in rule"),
        (rule("self ==\n'a'"), "message must be specified if rule contains line breaks"),
        (rule("true", messageExpression="1"), "cel expression must evaluate to a string"),
    ],
)
def test_wrong_rules_are_found_in_the_definition(given: Any, told: str):
    schema = {**TEXT, "x-kubernetes-validations": [given]}
    assert any(told in str(p) for p in celrules.problems(schema, "s"))


def test_old_self_needs_items_that_can_be_found_again():
    items = {**TEXT, "x-kubernetes-validations": [rule("self == oldSelf")]}
    found = list(celrules.problems({"type": "array", "items": items}, "s"))
    assert [p.path for p in found] == ["s.items.x-kubernetes-validations[0].rule"]
    assert "uncorrelatable portion" in found[0].message
