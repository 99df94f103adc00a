"""Names that are free, versions in order, writes that are selected."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.apiserver.catalog import priority
from hauberk.apiserver.crd import names
from hauberk.apiserver.request import Call, User
from hauberk.apiserver.webhooks import match
from hauberk.apiserver.webhooks.attempt import Attempt
from hauberk.kinds import BY_ID
from hauberk.kinds.testing import a
from hauberk.testing.memory_api import MemoryApi

NOW = "2026-01-01T00:00:00Z"


def test_versions_sort_as_kubernetes_sorts_them():
    given = ["foo1", "v1", "v2alpha1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v2", "v10", "foo10"]
    assert sorted(given, key=priority) == [
        "v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v2alpha1", "foo1", "foo10",
    ]  # fmt: skip


def definition(plural: str, kind: str, **more: Any) -> dict[str, Any]:
    wanted = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List", **more}
    spec = {"group": "g.io", "names": wanted, "versions": [{"name": "v1", "storage": True}]}
    return {"metadata": {"name": f"{plural}.g.io"}, "spec": spec}


@pytest.mark.parametrize(
    ("mine", "reason"),
    [
        (definition("bs", "B"), "NoConflicts"),
        (definition("as", "B"), "PluralConflict"),
        (definition("bs", "A"), "ListKindConflict"),
        (definition("bs", "B", shortNames=["x"]), "ShortNamesConflict"),
        (definition("bs", "B", singular="a"), "SingularConflict"),
    ],
)
def test_names_of_others_are_taken(mine: Any, reason: str):
    other = definition("as", "A", shortNames=["x"])
    other["status"] = names.status_of(other, names.Taken(), NOW)
    status = names.status_of(mine, names.taken_by((), [other], "g.io"), NOW)
    found = {c["type"]: c for c in status["conditions"]}
    assert found["NamesAccepted"]["reason"] == reason
    assert found["Established"]["status"] == ("True" if reason == "NoConflicts" else "False")


def test_what_is_established_stays_so():
    mine = definition("as", "A")
    mine["status"] = names.status_of(mine, names.Taken(), NOW)
    status = names.status_of(mine, names.Taken({"as"}, {"A"}), NOW)
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "NamesAccepted": "False",
        "Established": "True",
    }
    assert status["acceptedNames"]["plural"] == "as"


def attempt(kind: str, verb: Any = "CREATE", subresource: str = "", **more: Any) -> Attempt:
    call = Call(manager="m", user=User("u"), subresource=subresource)
    obj = a(kind, **more)
    old = None if verb == "CREATE" else obj
    return Attempt(BY_ID[kind], verb, None if verb == "DELETE" else obj, old, call, MemoryApi().snapshot())


@pytest.mark.parametrize(
    ("rule", "made", "matched"),
    [
        ({}, attempt("Pod"), True),
        ({"operations": ["*"]}, attempt("Pod", "DELETE"), True),
        ({"operations": ["UPDATE"]}, attempt("Pod"), False),
        ({"apiGroups": ["apps"]}, attempt("Pod"), False),
        ({"apiGroups": ["*"], "resources": ["*"]}, attempt("Deployment.apps"), True),
        ({"apiGroups": ["*"], "resources": ["*"]}, attempt("Deployment.apps", subresource="scale"), False),
        ({"resources": ["*/*"]}, attempt("Pod", subresource="status"), True),
        ({"resources": ["pods/status"]}, attempt("Pod"), False),
        ({"resources": ["pods/*"]}, attempt("Pod", subresource="eviction"), True),
        ({"scope": "Cluster"}, attempt("Pod"), False),
        ({"resources": ["namespaces"], "scope": "Cluster"}, attempt("Namespace"), True),
        ({"resourceNames": ["b"]}, attempt("Pod"), False),
        ({"apiGroups": ["*"], "resources": ["*"]},
         attempt("ValidatingWebhookConfiguration.admissionregistration.k8s.io"), False),
    ],
)  # fmt: skip
def test_rules_of_webhooks(rule: Any, made: Attempt, matched: bool):
    base = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    assert (match.matched_version({}, [{**base, **rule}], made) is not None) == matched


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selectors_of_objects(selector: Any, taken: bool):
    made = attempt("Pod", metadata={"labels": {"a": "1"}})
    assert match.selected({"objectSelector": selector}, made) == taken
