"""Which policy decides about a request: Istio's order, its four forms of text, and what is not known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hauberk.base.refs import Ref
from hauberk.explain.authz import Request, decide, matches
from hauberk.kinds.istio_security.authorization_policy import Rule
from hauberk.mesh.model import Policy

SHOP = "spiffe://cluster.local/ns/shop/sa/client"


def policy(name: str, *rules: dict[str, Any], action: str = "ALLOW") -> Policy:
    parsed = tuple(msgspec.convert(rule, Rule) for rule in rules)
    ref = Ref("AuthorizationPolicy.security.istio.io", "a", name)
    return Policy(ref=ref, action=action, rules=parsed)  # type: ignore[arg-type]


def from_(**source: Any) -> dict[str, Any]:
    return {"from": [{"source": source}]}


def to(**operation: Any) -> dict[str, Any]:
    return {"to": [{"operation": operation}]}


DENY_ALL = policy("deny-all")
SHOPS = policy("shops", from_(namespaces=["shop"]))
NO_POST = policy("no-post", to(methods=["POST"]), action="DENY")


@pytest.mark.parametrize(
    ("policies", "request_", "allowed", "by", "sure"),
    [
        ([], Request(), True, "", True),
        ([DENY_ALL], Request(identity=SHOP), False, "deny-all", True),
        ([DENY_ALL, SHOPS], Request(identity=SHOP), True, "shops", True),
        ([SHOPS], Request(identity="spiffe://cluster.local/ns/bank/sa/x"), False, "shops", True),
        ([SHOPS], Request(), False, "shops", True),  # plaintext proves no namespace
        ([SHOPS, NO_POST], Request(identity=SHOP, method="POST"), False, "no-post", True),
        ([NO_POST], Request(), True, "", True),
        ([policy("ip", from_(ipBlocks=["10.0.0.0/8"]))], Request(), True, "ip", False),
        ([policy("jwt", from_(requestPrincipals=["*"]))], Request(), False, "jwt", True),
        ([policy("all", {})], Request(), True, "all", True),
        ([policy("port", to(ports=["8022"]))], Request(port=8022), True, "port", True),
        ([policy("port", to(ports=["8022"]))], Request(port=8012), False, "port", True),
        ([policy("host", to(hosts=["*.shop"]))], Request(host="hello.shop"), True, "host", True),
        ([policy("not", from_(notNamespaces=["shop"]))], Request(identity=SHOP), False, "not", True),
        (
            [policy("when", {"when": [{"key": "request.headers[Kn-Namespace]", "values": ["shop"]}]})],
            Request(headers=(("kn-namespace", "shop"),)),
            True,
            "when",
            True,
        ),
        (
            [policy("when", {"when": [{"key": "request.headers[Kn-Namespace]", "values": ["shop"]}]})],
            Request(),
            False,
            "when",
            True,
        ),
    ],
)
def test_the_verdict_and_who_decides(
    policies: list[Policy], request_: Request, allowed: bool, by: str, sure: bool
) -> None:
    found = decide(policies, request_)
    assert (found.allowed, found.sure) == (allowed, sure), found.words
    assert (found.decides.name if found.decides else "") == by


@pytest.mark.parametrize(
    ("pattern", "value", "holds"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("*", "x", True),
        ("*", "", False),
        ("/a/*", "/a/b", True),
        ("*.b", "a.b", True),
        ("*.b", "b", False),
    ],
)
def test_texts_match_as_in_istio(pattern: str, value: str, holds: bool) -> None:
    assert matches(pattern, value) is holds
