"""Admission by webhooks, against a real HTTPS server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire.apiserver.custom import APPLY, CRDS, MERGE, Calls, crd, serving, version

from hauberk.testing.webhook import Webhook, certificate, patch, served

CMS = "/api/v1/namespaces/default/configmaps"
GROUP = "/apis/admissionregistration.k8s.io/v1"
RULE = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["configmaps"],
}


def allow(_: Any) -> Any:
    return {"allowed": True}


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Webhook]:
    async with served(tmp_path, allow) as made:
        yield made


def cm(name: str = "c", **data: str) -> Any:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def configure(
    calls: Calls, hook: Webhook, word: str = "Validating", name: str = "h", **more: Any
) -> None:
    row = {
        "name": "check.example.com",
        "clientConfig": hook.client,
        "rules": [RULE],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **more,
    }
    url = f"{GROUP}/{word.lower()}webhookconfigurations"
    body = {"kind": f"{word}WebhookConfiguration", "metadata": {"name": name}, "webhooks": [row]}
    code, answer = await calls("POST", url, body)
    assert code == 201, answer


async def test_a_validating_webhook_refuses_in_its_own_words(calls: Calls, hook: Webhook):
    hook.answer = lambda _: {
        "allowed": False,
        "status": {"code": 403, "message": "no x", "reason": "Forbidden"},
    }
    await configure(calls, hook)
    code, status = await calls("POST", CMS, cm())
    assert (code, status["reason"], status["message"]) == (
        403, "Forbidden", 'admission webhook "check.example.com" denied the request: no x',
    )  # fmt: skip
    hook.answer = lambda _: {"allowed": False}
    code, status = await calls("POST", CMS, cm())
    assert (code, status["message"]) == (
        400, 'admission webhook "check.example.com" denied the request without explanation',
    )  # fmt: skip
    assert (await calls("GET", f"{CMS}/c"))[0] == 404


async def test_the_review_says_who_writes_what(calls: Calls, hook: Webhook):
    await configure(calls, hook)
    await calls("POST", CMS, cm(a="1"))
    await calls("PATCH", f"{CMS}/c", {"data": {"a": "2"}}, media=MERGE)
    created, changed = hook.asked
    assert created["operation"] == "CREATE"
    assert created["oldObject"] is None
    assert created["object"]["metadata"]["uid"]
    assert created["userInfo"]["username"] == "admin"
    assert created["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert (created["name"], created["namespace"], created["dryRun"]) == ("c", "default", False)
    assert (changed["operation"], changed["oldObject"]["data"], changed["object"]["data"]) == (
        "UPDATE", {"a": "1"}, {"a": "2"},
    )  # fmt: skip


async def test_a_mutating_webhook_changes_what_is_stored_and_what_rules_see(calls: Calls, hook: Webhook):
    hook.answer = lambda _: {
        **patch({"op": "add", "path": "/metadata/labels", "value": {"by": "hook"}}),
        "warnings": ["changed it"],
    }
    await configure(calls, hook, "Mutating")
    _, stored = await calls("POST", CMS, cm())
    assert stored["metadata"]["labels"] == {"by": "hook"}
    assert calls.warnings == ["changed it"]
    hook.answer = lambda _: patch({"op": "add", "path": "/metadata/labels", "value": {"bad label": "x"}})
    assert (await calls("POST", CMS, cm("d")))[0] == 422
    hook.answer = lambda _: patch({"op": "replace", "path": "/none/there", "value": 1})
    code, status = await calls("POST", CMS, cm("d"))
    assert code == 500
    assert 'failed calling webhook "check.example.com"' in status["message"]


async def test_hooks_run_in_order_and_look_again_when_they_want_to(calls: Calls, tmp_path: Path):
    def count(label: str) -> Any:
        def answer(request: Any) -> Any:
            labels = request["object"]["metadata"].get("labels") or {}
            seen = str(len(labels))
            return patch({"op": "add", "path": "/metadata/labels", "value": {**labels, label: seen}})

        return answer

    async with served(tmp_path, count("first")) as first, served(tmp_path, count("second")) as second:
        await configure(calls, first, "Mutating", "a", reinvocationPolicy="IfNeeded")
        await configure(calls, second, "Mutating", "b")
        _, stored = await calls("POST", CMS, cm())
        assert (len(first.asked), len(second.asked)) == (2, 1)
        assert stored["metadata"]["labels"] == {"first": "2", "second": "1"}


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
async def test_a_hook_that_cannot_be_asked(calls: Calls, hook: Webhook, policy: str):
    hook.code = 503
    await configure(calls, hook, failurePolicy=policy)
    code, status = await calls("POST", CMS, cm())
    assert code == (500 if policy == "Fail" else 201)
    if policy == "Fail":
        assert status["reason"] == "InternalError"
        assert status["message"].startswith(
            'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: '
        )


async def test_a_slow_hook_is_given_up(calls: Calls, hook: Webhook):
    hook.delay_s = 5
    await configure(calls, hook, timeoutSeconds=1)
    code, status = await calls("POST", CMS, cm())
    assert code == 500
    assert status["message"].endswith(f'Post "{hook.url}?timeout=1s": context deadline exceeded')


async def test_its_certificate_must_be_signed_by_the_bundle(calls: Calls, hook: Webhook):
    import base64

    hook.bundle = base64.b64encode(certificate("other")[0]).decode()
    await configure(calls, hook)
    code, status = await calls("POST", CMS, cm())
    assert code == 500
    assert "tls: failed to verify certificate: x509: " in status["message"]
    assert hook.asked == []


async def test_selectors_and_conditions_decide_who_is_asked(calls: Calls, hook: Webhook):
    wanted = {"matchLabels": {"watched": "yes"}}
    rows = [{"name": "has-data", "expression": "has(object.data) && size(object.data) > 0"}]
    await configure(calls, hook, objectSelector=wanted, matchConditions=rows)
    watched = {"watched": "yes"}
    for name, labels, data in (("a", {}, {"x": "1"}), ("b", watched, {}), ("c", watched, {"x": "1"})):
        obj = cm(name, **data)
        obj["metadata"]["labels"] = labels
        await calls("POST", CMS, obj)
    assert [r["name"] for r in hook.asked] == ["c"]


async def test_namespaces_are_selected_by_their_labels(calls: Calls, hook: Webhook):
    await calls("PATCH", "/api/v1/namespaces/default", {"metadata": {"labels": {"env": "test"}}}, media=MERGE)
    rows = [{"key": "env", "operator": "NotIn", "values": ["test"]}]
    await configure(calls, hook, namespaceSelector={"matchExpressions": rows})
    await calls("POST", CMS, cm())
    assert hook.asked == []


async def test_a_dry_run_asks_only_hooks_without_side_effects(calls: Calls, hook: Webhook):
    await configure(calls, hook)
    assert (await calls("POST", f"{CMS}?dryRun=All", cm()))[0] == 201
    assert hook.asked[0]["dryRun"] is True
    assert (await calls("GET", f"{CMS}/c"))[0] == 404


async def test_deletions_are_told_too(calls: Calls, hook: Webhook):
    await configure(calls, hook, rules=[{**RULE, "operations": ["DELETE"]}])
    await calls("POST", CMS, cm())
    hook.answer = lambda _: {"allowed": False, "status": {"message": "stay"}}
    code, status = await calls("DELETE", f"{CMS}/c")
    assert (code, status["message"]) == (
        400,
        'admission webhook "check.example.com" denied the request: stay',
    )
    assert hook.asked[0]["oldObject"]["metadata"]["name"] == "c"
    assert hook.asked[0]["object"] is None


async def test_writes_that_overtake_a_hook_are_not_lost(calls: Calls, hook: Webhook):
    await calls("POST", CMS, cm(a="0", b="0"))
    await configure(calls, hook)
    hook.delay_s = 0.1

    async def write(key: str, media: str) -> int:
        body = {"data": {key: "1"}} if media == MERGE else cm(**{key: "1"})
        url = f"{CMS}/c" if media == MERGE else f"{CMS}/c?fieldManager={key}"
        return (await calls("PATCH", url, body, media=media))[0]

    codes = await asyncio.gather(write("a", MERGE), write("b", MERGE), write("n", APPLY))
    assert codes == [200, 200, 200]
    assert (await calls("GET", f"{CMS}/c"))[1]["data"] == {"a": "1", "b": "1", "n": "1"}


async def test_configurations_themselves_are_never_asked_about(calls: Calls, hook: Webhook):
    hook.answer = lambda _: {"allowed": False}
    every = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    await configure(calls, hook, rules=[every])
    assert (await calls("POST", CMS, cm()))[0] == 400
    assert (await calls("DELETE", f"{GROUP}/validatingwebhookconfigurations/h"))[0] == 200
    assert (await calls("POST", CMS, cm()))[0] == 201


async def test_a_wrong_configuration_is_refused(calls: Calls):
    row = {
        "name": "x",
        "clientConfig": {"url": "http://a"},
        "timeoutSeconds": 31,
        "admissionReviewVersions": [],
    }
    body = {"kind": "ValidatingWebhookConfiguration", "metadata": {"name": "h"}, "webhooks": [row]}
    code, status = await calls("POST", f"{GROUP}/validatingwebhookconfigurations", body)
    assert code == 422
    assert {c["field"] for c in status["details"]["causes"]} == {
        "webhooks[0].name", "webhooks[0].sideEffects", "webhooks[0].timeoutSeconds",
        "webhooks[0].admissionReviewVersions", "webhooks[0].clientConfig.url",
    }  # fmt: skip


async def test_conversion_by_webhook(calls: Calls, hook: Webhook):
    """`host: a:1` of v1beta1 is `host: a, port: 1` of v1."""

    def convert(request: Any) -> Any:
        made = []
        for obj in request["objects"]:
            spec = dict(obj["spec"])
            if request["desiredAPIVersion"].endswith("v1"):
                spec["host"], spec["port"] = spec["host"].split(":")
            else:
                spec["host"] = f"{spec['host']}:{spec.pop('port')}"
            made.append({**obj, "apiVersion": request["desiredAPIVersion"], "spec": spec})
        return {"convertedObjects": made, "result": {"status": "Success"}}

    hook.answer = convert
    text = {"type": "string"}
    new = {"type": "object", "properties": {"host": text, "port": text}}
    old = {"type": "object", "properties": {"host": text}}
    client = {"clientConfig": hook.client, "conversionReviewVersions": ["v1"]}
    conversion = {"strategy": "Webhook", "webhook": client}
    versions = (version("v1", spec=new), version("v1beta1", storage=False, spec=old))
    assert (await calls("POST", CRDS, crd(*versions, conversion=conversion)))[0] == 201
    beta, stable = (f"/apis/stable.example.com/{v}/namespaces/default/crontabs" for v in ("v1beta1", "v1"))
    given = {"kind": "CronTab", "metadata": {"name": "a"}, "spec": {"host": "h:1"}}
    code, shown = await calls("POST", beta, given)
    assert (code, shown["spec"]) == (201, {"host": "h:1"})
    assert (await calls("GET", f"{stable}/a"))[1]["spec"] == {"host": "h", "port": "1"}
    assert (await calls("GET", beta))[1]["items"][0]["spec"] == {"host": "h:1"}
    async with calls.stream(f"{beta}?watch=1") as events:
        assert (await anext(events))["object"]["spec"] == {"host": "h:1"}
        await calls("PATCH", f"{stable}/a", {"spec": {"port": "2"}}, media=MERGE)
        assert (await anext(events))["object"]["spec"] == {"host": "h:2"}
    hook.answer = lambda _: {"result": {"status": "Failed", "message": "cannot"}}
    async with calls.stream(f"{beta}?watch=1") as events:
        await anext(events)
        await calls("PATCH", f"{stable}/a", {"spec": {"port": "3"}}, media=MERGE)
        told = await anext(events)  # never an object in a version that nobody converted it to
        assert (told["type"], told["object"]["code"]) == ("ERROR", 410)
    other = {**given, "metadata": {"name": "b"}, "spec": {"host": "h", "port": "1"}}
    assert (await calls("POST", stable, other))[0] == 201
    assert (await calls("GET", stable))[0] == 200
    assert (await calls("GET", beta))[0] == 500


async def test_a_conversion_that_fails_is_told(calls: Calls, hook: Webhook):
    hook.answer = lambda _: {"result": {"status": "Failed", "message": "cannot"}, "convertedObjects": []}
    client = {"clientConfig": hook.client, "conversionReviewVersions": ["v1"]}
    await calls(
        "POST",
        CRDS,
        crd(
            version("v1"), version("v2", storage=False), conversion={"strategy": "Webhook", "webhook": client}
        ),
    )
    body = {"kind": "CronTab", "metadata": {"name": "a"}, "spec": {"cronSpec": "* * * * *"}}
    code, status = await calls("POST", "/apis/stable.example.com/v2/namespaces/default/crontabs", body)
    assert (code, status["message"]) == (
        500, "conversion webhook for stable.example.com/v2, Kind=CronTab failed: cannot",
    )  # fmt: skip
