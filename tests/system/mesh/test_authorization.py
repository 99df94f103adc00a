"""AuthorizationPolicies: who may call what, for requests and connections, by what the certificate says."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from stage import OUT, A, B, Room, istio

pytestmark = pytest.mark.system
FRIEND, OTHER = f"{A}/client", f"{B}/client"
DENIED = "RBAC: access denied"
NAME = f"cluster.local/ns/{A}/sa/friend"


def policy(name: str, *rules: dict[str, Any], action: str = "ALLOW", **spec: Any) -> dict[str, Any]:
    selector = {"selector": {"matchLabels": {"app": "web"}}}
    shown = {"action": action, **({"rules": list(rules)} if rules else {}), **(spec or selector)}
    return istio("AuthorizationPolicy", A, name, shown)


def source(**fields: Any) -> dict[str, Any]:
    return {"from": [{"source": fields}]}


def operation(**fields: Any) -> dict[str, Any]:
    return {"to": [{"operation": fields}]}


def answers(room: Room, path: str, *more: str) -> tuple[int, int]:
    """The statuses that the friend and the other namespace's client see."""
    first, second = (room.curl(who, f"http://web.{A}{path}", *more) for who in (FRIEND, OTHER))
    for said in (first, second):
        assert (DENIED in said.out) is (said.status == 403)
    return first.status, second.status


POST = ("-X", "POST")


@pytest.mark.parametrize(
    ("policies", "cases"),
    [
        ([policy("none")], {("/",): (403, 403)}),
        ([policy("all", {})], {("/",): (200, 200)}),
        ([policy("who", source(principals=[NAME]))], {("/",): (200, 403)}),
        ([policy("not", source(notPrincipals=[NAME]))], {("/",): (403, 200)}),
        ([policy("ns", source(namespaces=[B]))], {("/",): (403, 200)}),
        ([policy("deny", source(namespaces=[B]), action="DENY")], {("/",): (200, 403)}),
        (
            [policy("path", operation(paths=["/open*"], methods=["GET"]))],
            {("/open/x",): (200, 200), ("/shut",): (403, 403), ("/open", *POST): (403, 403)},
        ),
        (
            [policy("exc", operation(notPaths=["/open*"]), action="DENY")],
            {("/open",): (200, 200), ("/shut",): (403, 403)},
        ),
        ([policy("port", operation(ports=["8081"]))], {("/",): (403, 403)}),
        ([policy("port", operation(ports=["8080"]))], {("/",): (200, 200)}),
        (
            [policy("when", {"when": [{"key": "request.headers[x-key]", "values": ["k*"]}]})],
            {("/",): (403, 403), ("/", "-H", "x-key: k1"): (200, 200)},
        ),
        (
            [policy("a-all", {}), policy("d-one", source(principals=[NAME]), action="DENY")],
            {("/",): (403, 200)},
        ),
    ],
    ids=[
        "deny all", "allow all", "principal", "not the principal", "namespace", "deny a namespace",
        "path and method", "all but a path", "another port", "this port", "header", "deny before allow",
    ],
)  # fmt: skip
def test_requests_are_allowed_and_denied_as_the_policies_say(
    room: Room, policies: list[dict[str, Any]], cases: dict[tuple[str, ...], tuple[int, int]]
) -> None:
    with ExitStack() as stack:
        for made in policies:
            stack.enter_context(room.rules(made))
        for words, wanted in cases.items():
            room.soon(lambda words=words: answers(room, *words), wanted, str(words))
    room.soon(lambda: answers(room, "/"), (200, 200), "without policies everybody may")


def test_connections_are_judged_by_who_opens_them(room: Room) -> None:
    def lines() -> tuple[bool, bool]:
        first, second = (room.tcp(who, f"web.{A}", 9000).out.startswith("web") for who in (FRIEND, OTHER))
        return first, second

    with room.rules(policy("lines", {**source(principals=[NAME]), **operation(ports=["9000"])})):
        room.soon(lines, (True, False))
    room.soon(lines, (True, True))


def test_a_tenant_cannot_call_another(room: Room) -> None:
    """The document's next step: each namespace takes calls from itself only."""
    tenants = policy("tenants", source(namespaces=[A]), selector=None)
    with room.rules(tenants):
        room.soon(lambda: answers(room, "/"), (200, 403))
        assert room.curl(OTHER, f"http://plain.{OUT}").status == 200, "elsewhere it may"


def test_what_does_not_act_is_told(room: Room) -> None:
    audit = policy("audit", {}, action="AUDIT")
    with room.rules(audit):
        room.soon(lambda: room.accepted("authorizationpolicy", A, "audit")[0], "Unsupported")
        room.soon(lambda: answers(room, "/"), (200, 200))  # once the rules of the test before are gone
    jwt = istio("AuthorizationPolicy", A, "jwt", {"rules": [source(requestPrincipals=["*"])]})
    jwt["spec"]["selector"] = {"matchLabels": {"app": "nobody"}}
    with room.rules(jwt) as warned:
        assert "requestPrincipals" in warned
