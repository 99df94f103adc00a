"""Nobody gives what they do not have."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.apiserver.rbac.authorizer import Authorizer
from hauberk.apiserver.rbac.defaults import AUTOUPDATE, brought_up, defaults
from hauberk.apiserver.rbac.escalation import guard
from hauberk.apiserver.rbac.impersonation import acting_as
from hauberk.apiserver.rbac.match import missing, rules_of, told
from hauberk.apiserver.request import User
from hauberk.base.apierrors import BadRequest, Forbidden, NotFound
from hauberk.base.refs import ref_of
from hauberk.store.memory import Memory

RBAC = "rbac.authorization.k8s.io"
JANE = User("jane", ("devs",))
PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
NODES = {"verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]}


def cluster_role(name: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [*rules],
        **more,
    }


def bound(role: str, *, namespace: str = "") -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": f"jane-{role}", **({"namespace": namespace} if namespace else {})},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": "jane"}],
    }


def memory_of(*objects: dict[str, Any]) -> Memory:
    memory = Memory()
    for revision, obj in enumerate(objects, 1):
        memory.apply(ref_of(obj), obj, revision)
    return memory


def check(new: dict[str, Any], *rules: dict[str, Any], old: Any = None, others: tuple[Any, ...] = ()) -> None:
    memory = memory_of(cluster_role("own", *rules), bound("own"), *others)
    guard(Authorizer(lambda: memory), lambda: memory)(new, old, JANE)


def test_a_role_within_what_its_author_has_is_taken() -> None:
    check(cluster_role("new", PODS), PODS)
    check(cluster_role("new", {**PODS, "resourceNames": ["one"]}), PODS)


def test_a_role_beyond_what_its_author_has_is_refused_with_what_is_missing() -> None:
    with pytest.raises(Forbidden) as refused:
        check(cluster_role("new", PODS, NODES), PODS)
    assert refused.value.message == (
        f'clusterroles.{RBAC} "new" is forbidden: user "jane" (groups=["devs"]) is attempting to grant RBAC '
        'permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}'
    )


@pytest.mark.parametrize(("verb", "resource"), [("escalate", "clusterroles"), ("*", "*")])
def test_who_may_escalate_may_write_any_role(verb: str, resource: str) -> None:
    may = {"verbs": [verb], "apiGroups": [RBAC], "resources": [resource]}
    check(cluster_role("new", NODES), may)


def test_an_unchanged_role_may_be_labelled_by_anybody_who_may_update_it() -> None:
    old = cluster_role("new", NODES)
    check({**old, "metadata": {"name": "new", "labels": {"a": "b"}}}, PODS, old=old)


def test_an_aggregated_role_needs_everything() -> None:
    rule = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    with pytest.raises(Forbidden):
        check(cluster_role("new", aggregationRule=rule), PODS)


def test_a_binding_needs_what_the_role_holds_or_the_verb_bind() -> None:
    strong = cluster_role("strong", NODES)
    with pytest.raises(Forbidden, match="not currently held"):
        check(bound("strong", namespace="a"), PODS, others=(strong,))
    check(bound("strong", namespace="a"), PODS, NODES, others=(strong,))
    bind = {
        "verbs": ["bind"],
        "apiGroups": [RBAC],
        "resources": ["clusterroles"],
        "resourceNames": ["strong"],
    }
    check(bound("strong", namespace="a"), bind, others=(strong,))
    with pytest.raises(NotFound):
        check(bound("missing", namespace="a"), PODS)


def test_missing_rules_are_taken_apart() -> None:
    lacking = missing(
        rules_of({"rules": [PODS]}), [{**PODS, "verbs": ["get", "delete"], "resources": ["pods", "pods/log"]}]
    )
    assert [told(rule) for rule in lacking] == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
        '{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}',
        '{APIGroups:[""], Resources:["pods/log"], Verbs:["delete"]}',
    ]


def test_defaults_regain_what_they_lack_and_keep_what_was_added() -> None:
    wanted = next(o for o in defaults() if o["metadata"]["name"] == "system:basic-user" and "rules" in o)
    extra = {"verbs": ["get"], "apiGroups": ["x"], "resources": ["y"]}
    new = brought_up({**wanted, "rules": [wanted["rules"][0], extra]}, wanted)
    assert new is not None
    assert extra in new["rules"]
    assert not missing(rules_of(new), wanted["rules"])
    assert brought_up(wanted, wanted) is None
    left = {**wanted, "rules": [], "metadata": {**wanted["metadata"], "annotations": {AUTOUPDATE: "false"}}}
    assert brought_up(left, wanted) is None


ADMIN = User("root", ("system:masters",))
ACTING = [
    ({"impersonate-user": "bob"}, ("bob", ("system:authenticated",))),
    ({"impersonate-user": "bob", "impersonate-group": "a\nb"}, ("bob", ("a", "b", "system:authenticated"))),
    (
        {"impersonate-user": "system:serviceaccount:ns:x"},
        (
            "system:serviceaccount:ns:x",
            ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
        ),
    ),
    ({"impersonate-user": "system:anonymous"}, ("system:anonymous", ("system:unauthenticated",))),
]


@pytest.mark.parametrize(("headers", "expected"), ACTING)
def test_an_administrator_acts_as_anybody(
    headers: dict[str, str], expected: tuple[str, tuple[str, ...]]
) -> None:
    user = acting_as(ADMIN, headers, Authorizer(Memory))
    assert (user.name, user.groups) == expected


def test_acting_as_somebody_is_a_permission_of_its_own() -> None:
    may = {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["bob"]}
    memory = memory_of(cluster_role("own", may), bound("own"))
    authorizer = Authorizer(lambda: memory)
    assert acting_as(JANE, {"impersonate-user": "bob"}, authorizer).name == "bob"
    with pytest.raises(Forbidden) as refused:
        acting_as(JANE, {"impersonate-user": "bob", "impersonate-group": "system:masters"}, authorizer)
    assert refused.value.message == (
        'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group '
        '"" at the cluster scope'
    )
    with pytest.raises(BadRequest):
        acting_as(ADMIN, {"impersonate-user": "system:serviceaccount:x"}, authorizer)
