"""Which requests roles and bindings allow, and in which words the others are refused."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.rbac.authorizer import Authorizer
from hauberk.apiserver.rbac.defaults import defaults
from hauberk.apiserver.rbac.requestinfo import attributes_of
from hauberk.apiserver.request import User
from hauberk.base.apierrors import Forbidden
from hauberk.base.refs import ref_of
from hauberk.store.memory import Memory

RBAC = "rbac.authorization.k8s.io"
JANE = User("jane", ("devs", "system:authenticated"))
BOT = User("system:serviceaccount:ci:bot", ("system:serviceaccounts", "system:serviceaccounts:ci"))


def role(name: str, *rules: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta, "rules": list(rules)}


def binding(name: str, to: dict[str, Any], *subjects: dict[str, str], namespace: str = "") -> dict[str, Any]:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": RBAC, "kind": to["kind"], "name": to["metadata"]["name"]},
        "subjects": list(subjects),
    }


def rule(verbs: str, resources: str = "", group: str = "", **more: Any) -> dict[str, Any]:
    made = {"verbs": verbs.split(), **more}
    return {**made, "apiGroups": [group], "resources": resources.split()} if resources else made


def world(*objects: dict[str, Any]) -> Authorizer:
    memory = Memory()
    for revision, obj in enumerate(objects, 1):
        memory.apply(ref_of(obj), obj, revision)
    return Authorizer(lambda: memory)


def asked(text: str, user: User = JANE) -> Attributes:
    method, _, url = text.partition(" ")
    path, _, query = url.partition("?")
    return attributes_of(user, method, path, dict(p.split("=", 1) for p in query.split("&") if p))


USER = {"kind": "User", "name": "jane"}
ALLOWED = [
    (rule("get", "pods"), "GET /api/v1/namespaces/a/pods/x", True),
    (rule("get", "pods"), "GET /api/v1/namespaces/a/pods", False),
    (rule("list", "pods"), "GET /api/v1/namespaces/a/pods", True),
    (rule("list", "pods"), "GET /api/v1/pods?watch=1", False),
    (rule("watch", "pods"), "GET /api/v1/pods?watch=1", True),
    (rule("get", "pods"), "GET /api/v1/namespaces/a/pods/x/log", False),
    (rule("get", "pods/log"), "GET /api/v1/namespaces/a/pods/x/log", True),
    (rule("get", "*/log"), "GET /api/v1/namespaces/a/pods/x/log", True),
    (rule("*", "*"), "DELETE /api/v1/namespaces/a/pods", True),
    (rule("delete", "pods"), "DELETE /api/v1/namespaces/a/pods", False),
    (rule("get", "deployments"), "GET /apis/apps/v1/namespaces/a/deployments/x", False),
    (rule("get", "deployments", "apps"), "GET /apis/apps/v1/namespaces/a/deployments/x", True),
    (rule("update", "deployments/scale", "*"), "PUT /apis/apps/v1/namespaces/a/deployments/x/scale", True),
    (rule("get", "secrets", resourceNames=["one"]), "GET /api/v1/namespaces/a/secrets/one", True),
    (rule("get", "secrets", resourceNames=["one"]), "GET /api/v1/namespaces/a/secrets/two", False),
    (rule("list", "secrets", resourceNames=["one"]), "GET /api/v1/namespaces/a/secrets", False),
    (
        rule("list", "secrets", resourceNames=["one"]),
        "GET /api/v1/namespaces/a/secrets?fieldSelector=metadata.name=one",
        True,
    ),
    (rule("get", nonResourceURLs=["/metrics"]), "GET /metrics", True),
    (rule("get", nonResourceURLs=["/logs/*"]), "GET /logs/a/b", True),
    (rule("get", nonResourceURLs=["/logs/*"]), "GET /logs", False),
    (rule("*", "*", "*"), "GET /metrics", False),
    (rule("get", "namespaces"), "GET /api/v1/namespaces/a", True),
    (rule("update", "namespaces/finalize"), "PUT /api/v1/namespaces/a/finalize", True),
    (rule("get", "pods/exec"), "GET /api/v1/namespaces/a/pods/x/exec", True),
    (rule("create", "pods/exec"), "GET /api/v1/namespaces/a/pods/x/exec", False),
]


@pytest.mark.parametrize(("given", "request_line", "allowed"), ALLOWED)
def test_a_rule_allows_what_it_names(given: dict[str, Any], request_line: str, allowed: bool) -> None:
    reader = role("r", given)
    authorizer = world(reader, binding("b", reader, USER))
    assert authorizer.decide(asked(request_line)).allowed is allowed


def test_a_role_binding_counts_in_its_namespace_only() -> None:
    reader = role("r", rule("get list", "pods"))
    authorizer = world(reader, binding("b", reader, {"kind": "Group", "name": "devs"}, namespace="a"))
    assert authorizer.decide(asked("GET /api/v1/namespaces/a/pods")).allowed
    assert not authorizer.decide(asked("GET /api/v1/namespaces/b/pods")).allowed
    assert not authorizer.decide(asked("GET /api/v1/pods")).allowed


def test_a_service_account_is_bound_by_name_and_namespace() -> None:
    own = role("r", rule("get", "pods"), namespace="ci")
    to = binding("b", own, {"kind": "ServiceAccount", "name": "bot"}, namespace="ci")
    line = "GET /api/v1/namespaces/ci/pods/x"
    decision = world(own, to).decide(asked(line, BOT))
    assert decision.reason == 'RBAC: allowed by RoleBinding "b/ci" of Role "r" to ServiceAccount "bot/ci"'
    other = binding("b", own, {"kind": "ServiceAccount", "name": "bot", "namespace": "x"}, namespace="ci")
    assert not world(own, other).decide(asked(line, BOT)).allowed


def test_an_answer_follows_the_bindings_at_once() -> None:
    memory = Memory()
    authorizer = Authorizer(lambda: memory)
    reader = role("r", rule("get", "pods"))
    line = asked("GET /api/v1/namespaces/a/pods/x")
    given = binding("b", reader, USER)
    answers = [authorizer.decide(line).allowed]
    for revision, (obj, gone) in enumerate(((reader, False), (given, False), (given, True)), 1):
        memory.apply(ref_of(obj), None if gone else obj, revision)
        answers.append(authorizer.decide(line).allowed)
    assert answers == [False, False, True, False]


REFUSALS = {
    "GET /api/v1/namespaces/a/pods": 'pods is forbidden: User "jane" cannot list resource "pods" in API '
    'group "" in the namespace "a"',
    "GET /api/v1/namespaces/a/pods/x": 'pods "x" is forbidden: User "jane" cannot get resource "pods" in API '
    'group "" in the namespace "a"',
    "POST /api/v1/namespaces/a/pods/x/exec": 'pods "x" is forbidden: User "jane" cannot create resource '
    '"pods/exec" in API group "" in the namespace "a"',
    "DELETE /apis/apps/v1/deployments": 'deployments.apps is forbidden: User "jane" cannot deletecollection '
    'resource "deployments" in API group "apps" at the cluster scope',
    "GET /api/v1/namespaces/a": 'namespaces "a" is forbidden: User "jane" cannot get resource "namespaces" '
    'in API group "" in the namespace "a"',
    "GET /metrics": 'forbidden: User "jane" cannot get path "/metrics"',
}


@pytest.mark.parametrize("line", REFUSALS)
def test_refusals_have_upstreams_words(line: str) -> None:
    with pytest.raises(Forbidden) as refused:
        world().check(asked(line))
    assert refused.value.message == REFUSALS[line]


def test_a_refusal_names_roles_that_do_not_exist() -> None:
    gone = role("gone")
    with pytest.raises(Forbidden) as refused:
        world(binding("b", gone, USER)).check(asked("GET /api/v1/nodes"))
    assert refused.value.message.endswith(f'RBAC: clusterrole.{RBAC} "gone" not found')


def test_masters_may_do_everything_without_any_role() -> None:
    admin = User("root", ("system:masters",))
    assert world().decide(asked("DELETE /api/v1/nodes", admin)).allowed


def test_everybody_may_discover_and_ask_by_the_default_roles() -> None:
    authorizer = world(*defaults())
    post = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for line in ("GET /api", "GET /apis/apps/v1", "GET /openapi/v3", "GET /version", post):
        assert authorizer.decide(asked(line)).allowed, line
    for line in ("GET /metrics", "GET /", "GET /api/v1/namespaces"):
        assert not authorizer.decide(asked(line)).allowed, line


def test_a_unit_of_rules_is_listed_with_what_is_missing() -> None:
    reader = role("r", rule("get", "pods"))
    authorizer = world(reader, binding("a", reader, USER), binding("b", role("gone"), USER, namespace="x"))
    rules, errors = authorizer.rules(JANE, "x")
    assert rules == [rule("get", "pods")]
    assert errors == [f'clusterrole.{RBAC} "gone" not found']
