"""Which requests are logged, and what a line tells."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from hauberk.apiserver.audit import DEFAULT, Audit, policy_of
from hauberk.apiserver.http import HttpRequest
from hauberk.apiserver.request import User
from hauberk.base.problems import Problem
from hauberk.testing.clock import FakeClock

JANE = User("jane", ("devs",))


def logged(line: str, *, policy: Any = DEFAULT, code: int = 200, user: User = JANE, **more: Any) -> list[Any]:
    method, _, url = line.partition(" ")
    path, _, query = url.partition("?")

    async def nothing() -> Any:
        raise AssertionError("no body is read")

    asked = HttpRequest(
        method, path, {}, {"user-agent": "kubectl"}, nothing, user=user, raw_query=query, **more
    )
    lines: list[bytes] = []
    Audit(policy_of(policy), lines.append, FakeClock(1_700_000_000.5)).note(asked, code, 1_700_000_000.0)
    return [orjson.loads(text) for text in lines]


USUAL = [
    ("POST /api/v1/namespaces/a/configmaps", True),
    ("PATCH /apis/apps/v1/namespaces/a/deployments/x", True),
    ("GET /api/v1/namespaces/a/configmaps", False),
    ("GET /api/v1/namespaces/a/secrets/x", True),
    ("GET /api/v1/namespaces/a/pods/x/exec?command=sh", True),
    ("POST /api/v1/namespaces/a/serviceaccounts/x/token", True),
    ("GET /api/v1/namespaces/a/pods/x/log", False),
    ("PUT /apis/coordination.k8s.io/v1/namespaces/a/leases/x", False),
    ("POST /api/v1/namespaces/a/events", False),
    ("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", False),
    ("GET /healthz", False),
]


@pytest.mark.parametrize(("line", "expected"), USUAL)
def test_the_usual_policy(line: str, expected: bool) -> None:
    assert bool(logged(line)) is expected


@pytest.mark.parametrize("code", [401, 403])
def test_refusals_are_always_logged(code: int) -> None:
    assert logged("GET /api/v1/namespaces/a/configmaps", code=code)[0]["responseStatus"]["code"] == code


def test_a_line_says_who_acted_as_whom() -> None:
    boss = User("boss", ("system:masters",))
    (line,) = logged("DELETE /apis/apps/v1/namespaces/a/deployments/x?gracePeriodSeconds=0", actor=boss)
    assert (line["user"]["username"], line["impersonatedUser"]["username"]) == ("boss", "jane")
    assert line["objectRef"] == {
        "resource": "deployments",
        "namespace": "a",
        "name": "x",
        "apiGroup": "apps",
        "apiVersion": "v1",
    }
    assert (line["verb"], line["level"], line["stage"]) == ("delete", "Metadata", "ResponseComplete")
    assert line["requestReceivedTimestamp"] == "2023-11-14T22:13:20.000000Z"


RULES = [
    ({"level": "None", "users": ["jane"]}, False),
    ({"level": "None", "users": ["bob"]}, True),
    ({"level": "None", "userGroups": ["devs"]}, False),
    ({"level": "None", "verbs": ["get"]}, True),
    ({"level": "None", "namespaces": ["a"]}, False),
    ({"level": "None", "resources": [{"group": "", "resources": ["configmaps"]}]}, False),
    ({"level": "None", "resources": [{"group": "apps"}]}, True),
    ({"level": "None", "nonResourceURLs": ["/healthz*"]}, True),
]


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_the_first_rule_that_fits_decides(rule: dict[str, Any], expected: bool) -> None:
    policy = {"kind": "Policy", "rules": [rule, {"level": "Metadata"}]}
    assert bool(logged("POST /api/v1/namespaces/a/configmaps", policy=policy)) is expected


@pytest.mark.parametrize(
    "policy", [{}, {"kind": "Policy"}, {"kind": "Policy", "rules": [{"level": "Request"}]}]
)
def test_a_policy_that_would_log_bodies_or_nothing_is_refused(policy: Any) -> None:
    with pytest.raises(Problem, match="audit policy"):
        policy_of(policy)
