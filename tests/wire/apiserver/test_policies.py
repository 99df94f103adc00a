"""ValidatingAdmissionPolicy and its bindings, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.wire.apiserver.custom import MERGE, Calls, serving

from hauberk.apiserver import Server
from hauberk.apiserver.audit import Audit, policy_of
from hauberk.engine.clock import SystemClock
from hauberk.kinds.testing import a
from hauberk.store import Store

CMS = "/api/v1/namespaces/default/configmaps"
GROUP = "/apis/admissionregistration.k8s.io/v1"
RULES = [
    {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
]


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    async with serving(tmp_path) as made:
        yield made


async def policy(calls: Calls, *validations: Any, actions: tuple[str, ...] = ("Deny",), **spec: Any) -> None:
    bound = spec.pop("bound", {})
    body = {
        "metadata": {"name": "p"},
        "spec": {"matchConstraints": {"resourceRules": RULES}, "validations": list(validations), **spec},
    }
    code, answer = await calls("POST", f"{GROUP}/validatingadmissionpolicies", body)
    assert code == 201, answer
    binding = {"policyName": "p", "validationActions": list(actions), **bound}
    url = f"{GROUP}/validatingadmissionpolicybindings"
    code, answer = await calls("POST", url, {"metadata": {"name": "b"}, "spec": binding})
    assert code == 201, answer


def cm(name: str = "c", **data: str) -> Any:
    return {"metadata": {"name": name}, "data": data}


async def test_a_policy_denies_in_upstreams_words(calls: Calls):
    await policy(calls, {"expression": "object.metadata.name != 'bad'"})
    assert (await calls("POST", CMS, cm()))[0] == 201
    code, status = await calls("POST", CMS, cm("bad"))
    named = "ValidatingAdmissionPolicy 'p' with binding 'b'"
    why = f"{named} denied request: failed expression: object.metadata.name != 'bad'"
    assert (code, status["reason"]) == (422, "Invalid")
    assert status["message"] == f'configmaps "bad" is forbidden: {why}'
    assert status["details"]["causes"][0]["message"] == why


async def test_message_reason_variables_and_the_object_before(calls: Calls):
    await policy(
        calls,
        {
            "expression": "variables.before == null || variables.before == object.data.a",
            "messageExpression": "'a was ' + variables.before + ', user ' + request.userInfo.username",
            "reason": "Forbidden",
        },
        variables=[{"name": "before", "expression": "oldObject == null ? null : oldObject.data.a"}],
    )
    assert (await calls("POST", CMS, cm(a="1")))[0] == 201
    code, status = await calls("PATCH", f"{CMS}/c", {"data": {"a": "2"}}, media=MERGE)
    assert (code, status["reason"]) == (403, "Forbidden")
    assert status["message"].endswith("denied request: a was 1, user admin")


async def test_warn_and_audit_let_pass(calls: Calls):
    await policy(calls, {"expression": "false", "message": "hm"}, actions=("Warn", "Audit"))
    assert (await calls("POST", CMS, cm()))[0] == 201
    assert calls.warnings == ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': hm"]


async def test_what_policies_say_to_the_audit_log_is_in_it(tmp_path: Path):
    lines: list[bytes] = []
    rules = policy_of({"kind": "Policy", "rules": [{"level": "Metadata"}]})
    store = Store.open(tmp_path / "audited.db", ephemeral=True)
    api = Server(store, clock=SystemClock(), audit=Audit(rules, lines.append, SystemClock()))
    await api.create(a("Namespace", "default"))
    calls = Calls(api)
    notes = [{"key": "p/size", "valueExpression": "string(size(object.data))"}]
    await policy(calls, {"expression": "false", "message": "hm"}, actions=("Audit",), auditAnnotations=notes)
    assert (await calls("POST", CMS, cm(a="1")))[0] == 201
    said = orjson.loads(lines[-1])["annotations"]
    assert said["p/size"] == "1"
    assert "with binding 'b': hm" in said["validation.policy.admission.k8s.io/validation_failure"]
    await store.close()


async def test_parameters_come_from_objects(calls: Calls):
    ref = {"name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny"}
    await policy(
        calls,
        {"expression": "size(object.data) <= int(params.data.most)"},
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        matchConditions=[{"name": "others", "expression": "object.metadata.name != 'limits'"}],
        bound={"paramRef": ref},
    )
    code, status = await calls("POST", CMS, cm())
    assert code == 422
    assert "no params found for policy binding with `Deny` parameterNotFoundAction" in status["message"]


async def test_parameters_act(calls: Calls):
    await calls("POST", CMS, cm("limits", most="1"))
    await policy(
        calls,
        {"expression": "size(object.data) <= int(params.data.most)"},
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        bound={"paramRef": {"name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny"}},
    )
    assert (await calls("POST", CMS, cm("a", x="1")))[0] == 201
    assert (await calls("POST", CMS, cm("b", x="1", y="2")))[0] == 422
    await calls("PATCH", f"{CMS}/limits", {"data": {"most": "2"}}, media=MERGE)


@pytest.mark.parametrize(("failure", "code"), [("Fail", 422), ("Ignore", 201)])
async def test_an_expression_without_a_value(calls: Calls, failure: str, code: int):
    await policy(calls, {"expression": "object.data.none == 'x'"}, failurePolicy=failure)
    found, status = await calls("POST", CMS, cm(a="1"))
    assert found == code
    if code == 422:
        assert status["message"].endswith(
            "expression 'object.data.none == 'x'' resulted in error: no such key: none"
        )


async def test_the_namespace_is_seen(calls: Calls):
    await policy(calls, {"expression": "namespaceObject.metadata.name != 'default'", "message": "not here"})
    assert (await calls("POST", CMS, cm()))[0] == 422


async def test_a_binding_narrows_its_policy(calls: Calls):
    only = {"resourceRules": RULES, "objectSelector": {"matchLabels": {"strict": "yes"}}}
    await policy(calls, {"expression": "false"}, bound={"matchResources": only})
    assert (await calls("POST", CMS, cm()))[0] == 201
    strict = cm("s")
    strict["metadata"]["labels"] = {"strict": "yes"}
    assert (await calls("POST", CMS, strict))[0] == 422


async def test_a_policy_that_does_not_compile_is_refused(calls: Calls):
    body = {
        "metadata": {"name": "p"},
        "spec": {"matchConstraints": {"resourceRules": RULES}, "validations": [{"expression": "nothing.x"}]},
    }
    code, status = await calls("POST", f"{GROUP}/validatingadmissionpolicies", body)
    assert code == 422
    cause = status["details"]["causes"][0]
    assert cause["field"] == "spec.validations[0].expression"
    assert "compilation failed: ERROR: <input>:1:8: undeclared reference to 'nothing.x'" in cause["message"]


async def test_a_deleted_binding_ends_it(calls: Calls):
    await policy(calls, {"expression": "false"})
    assert (await calls("POST", CMS, cm()))[0] == 422
    await calls("DELETE", f"{GROUP}/validatingadmissionpolicybindings/b")
    assert (await calls("POST", CMS, cm()))[0] == 201
