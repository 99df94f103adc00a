"""Expressions are judged before they reach an Envoy."""

from __future__ import annotations

import pytest

from hauberk.kinds.istio_networking.common import StringMatch
from hauberk.kinds.istio_networking.regex import problem_of
from hauberk.kinds.istio_networking.virtual_service import validate
from hauberk.kinds.istio_networking.virtual_service_model import (
    HTTPMatch,
    HTTPRoute,
    VirtualService,
    VirtualServiceSpec,
)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "/r[0-9]+",
        r"(?i)foo|a(?i:b)",
        r"\pL+\p{Greek}",
        "[[:alpha:]]+",
        r"^a\z",
        r"\\1",
        "(?P<n>a)b",
        "a{2,3}?",
    ],
)
def test_what_re2_takes_is_taken(expression: str) -> None:
    assert problem_of(expression) == ""


@pytest.mark.parametrize(
    "expression",
    ["([a-z", "*a", "a(?=b)", "(?<!a)b", r"(a)\1", "a++", "(?>a)", r"a\Z", "a{1001}", "a{2,5000}"],
)
def test_what_re2_refuses_is_refused(expression: str) -> None:
    assert problem_of(expression)


def test_the_error_has_the_field_of_the_expression() -> None:
    match = HTTPMatch(headers={"x": StringMatch(regex="(")})
    route = HTTPRoute(match=(match,), delegate=None)
    errors = list(validate(VirtualService(spec=VirtualServiceSpec(hosts=("a",), http=(route,)))))
    assert "spec.http[0].match[0].headers[x].regex" in [error.path for error in errors]
