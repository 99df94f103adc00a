"""Kinds of users' own, over HTTP: they come and go, and act by their schema."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire.apiserver.custom import (
    APPLY,
    CRDS,
    CRONTABS,
    MERGE,
    SPEC,
    Calls,
    answers,
    crd,
    crontab,
    gone,
    serving,
    version,
)

from hauberk.apiserver import Server
from hauberk.engine.clock import SystemClock
from hauberk.store import Store


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def crontabs(calls: Calls) -> Calls:
    code, answer = await calls("POST", CRDS, crd())
    assert code == 201, answer
    return calls


def conditions(obj: Any) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in obj["status"]["conditions"]}


async def test_a_definition_is_served_at_once_and_everywhere(calls: Calls):
    assert (await calls("GET", CRONTABS))[0] == 404
    _, made = await calls("POST", CRDS, crd())
    assert conditions(made) == {
        "NamesAccepted": ("True", "NoConflicts"), "Established": ("True", "InitialNamesAccepted"),
    }  # fmt: skip
    assert made["status"]["storedVersions"] == ["v1"]
    assert made["status"]["acceptedNames"] == {
        "plural": "crontabs", "singular": "crontab", "kind": "CronTab", "listKind": "CronTabList",
        "shortNames": ["ct"], "categories": ["all"],
    }  # fmt: skip
    assert (await calls("GET", CRONTABS))[1]["kind"] == "CronTabList"
    _, listed = await calls("GET", "/apis/stable.example.com/v1")
    assert [r["name"] for r in listed["resources"]] == ["crontabs", "crontabs/status", "crontabs/scale"]
    assert listed["resources"][0]["shortNames"] == ["ct"]
    _, groups = await calls("GET", "/apis")
    assert groups["groups"][-1]["preferredVersion"]["groupVersion"] == "stable.example.com/v1"
    _, index = await calls("GET", "/openapi/v3")
    url = index["paths"]["apis/stable.example.com/v1"]["serverRelativeURL"]
    _, document = await calls("GET", url)
    schema = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
    assert schema["properties"]["spec"]["properties"]["replicas"]["maximum"] == 10
    assert schema["x-kubernetes-group-version-kind"] == [
        {"group": "stable.example.com", "kind": "CronTab", "version": "v1"}
    ]
    _, v2 = await calls("GET", "/openapi/v2")
    assert "com.example.stable.v1.CronTab" in v2["definitions"]


async def test_a_changed_definition_acts_at_once(crontabs: Calls):
    _, made = await crontabs("GET", f"{CRDS}/crontabs.stable.example.com")
    looser = {**SPEC, "properties": {**SPEC["properties"], "more": {"type": "string"}}}
    made["spec"]["versions"] = [version("v1", spec=looser)]
    assert (await crontabs("PUT", f"{CRDS}/crontabs.stable.example.com", made))[0] == 200
    _, stored = await crontabs("POST", CRONTABS, crontab(more="yes"))
    assert stored["spec"]["more"] == "yes"
    _, index = await crontabs("GET", "/openapi/v3")
    url = index["paths"]["apis/stable.example.com/v1"]["serverRelativeURL"]
    _, document = await crontabs("GET", url)
    spec = document["components"]["schemas"]["com.example.stable.v1.CronTab"]["properties"]["spec"]
    assert "more" in spec["properties"]


async def test_unknown_fields_are_pruned_and_told(crontabs: Calls):
    given = crontab(foo=1, free={"any": {"thing": 1}}, port="http")
    _, stored = await crontabs("POST", CRONTABS, given)
    assert stored["spec"] == {
        "cronSpec": "* * * * */5", "free": {"any": {"thing": 1}}, "port": "http",
        "image": "nginx", "replicas": 1, "maxReplicas": 5,
    }  # fmt: skip
    assert crontabs.warnings == ['unknown field "spec.foo"']
    code, status = await crontabs("POST", f"{CRONTABS}?fieldValidation=Strict", given)
    assert code == 400
    assert status["message"] == (
        'CronTab in version "v1" cannot be handled as a CronTab: '
        'strict decoding error: unknown field "spec.foo"'
    )


async def test_what_breaks_the_schema_is_refused_with_all_causes(crontabs: Calls):
    code, status = await crontabs(
        "POST", CRONTABS, crontab(cronSpec="x", replicas=11, image=3, ports=[{"port": 1}, {"port": 1}, {}])
    )
    assert (code, status["reason"]) == (422, "Invalid")
    assert {c["field"]: c["message"] for c in status["details"]["causes"]} == {
        "spec.cronSpec": 'Invalid value: "x": spec.cronSpec in body should match '
        r"'^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$'",
        "spec.replicas": "Invalid value: 11: spec.replicas in body should be less than or equal to 10",
        "spec.image": 'Invalid value: "integer": spec.image in body must be of type string: "integer"',
        "spec.ports[2].port": "Required value",
        "spec.ports[1]": 'Duplicate value: map[string]interface {}{"port":1}',
        "<nil>": 'Invalid value: "null": some validation rules were not checked because the object was '
        "invalid; correct the existing errors to complete validation",
    }  # fmt: skip


async def test_null_is_a_value_only_where_it_is_allowed(crontabs: Calls):
    _, stored = await crontabs("POST", CRONTABS, crontab(note=None, image=None))
    assert stored["spec"]["note"] is None  # nullable
    assert stored["spec"]["image"] == "nginx"  # a default takes its place
    code, status = await crontabs("POST", CRONTABS, crontab("b", ports=None))
    assert code == 422
    assert 'spec.ports in body must be of type array: "null"' in status["message"]


async def test_cel_rules_judge_objects_and_changes(crontabs: Calls):
    code, status = await crontabs("POST", CRONTABS, crontab(replicas=6))
    assert (code, status["message"]) == (
        422, 'CronTab.stable.example.com "a" is invalid: spec: Invalid value: "object": at most 5',
    )  # fmt: skip
    assert (await crontabs("POST", CRONTABS, crontab()))[0] == 201
    code, status = await crontabs("PATCH", f"{CRONTABS}/a", {"spec": {"image": "x"}}, media=MERGE)
    assert (code, status["details"]["causes"]) == (
        422,
        [
            {
                "reason": "FieldValueForbidden",
                "message": "Forbidden: image is immutable",
                "field": "spec.image",
            }
        ],
    )
    assert (await crontabs("PATCH", f"{CRONTABS}/a", {"spec": {"replicas": 2}}, media=MERGE))[0] == 200


async def test_status_is_written_by_itself_and_kept_from_others(crontabs: Calls):
    given = {**crontab(), "status": {"replicas": 9}}
    _, stored = await crontabs("POST", CRONTABS, given)
    assert "status" not in stored
    _, stored = await crontabs(
        "PATCH",
        f"{CRONTABS}/a/status",
        {"spec": {"replicas": 3}, "status": {"replicas": 4, "x": 1}},
        media=MERGE,
    )
    assert (stored["spec"]["replicas"], stored["status"], stored["metadata"]["generation"]) == (
        1, {"replicas": 4}, 1,
    )  # fmt: skip
    code, status = await crontabs("PATCH", f"{CRONTABS}/a/status", {"status": {"replicas": "4"}}, media=MERGE)
    assert (code, status["details"]["causes"][0]["field"]) == (422, "status.replicas")


async def test_scale_reads_and_writes_the_paths_of_the_definition(crontabs: Calls):
    await crontabs("POST", CRONTABS, crontab())
    status = {"status": {"replicas": 1, "selector": "app=a"}}
    await crontabs("PATCH", f"{CRONTABS}/a/status", status, media=MERGE)
    _, scale = await crontabs("PATCH", f"{CRONTABS}/a/scale", {"spec": {"replicas": 4}}, media=MERGE)
    assert (scale["spec"], scale["status"]) == ({"replicas": 4}, {"replicas": 1, "selector": "app=a"})
    assert (await crontabs("GET", f"{CRONTABS}/a"))[1]["spec"]["replicas"] == 4
    assert (await crontabs("PATCH", f"{CRONTABS}/a/scale", {"spec": {"replicas": 11}}, media=MERGE))[0] == 422


async def test_apply_merges_lists_by_the_keys_of_the_schema(crontabs: Calls):
    for manager, ports in (("one", [{"port": 1, "name": "a"}]), ("two", [{"port": 2, "name": "b"}])):
        url = f"{CRONTABS}/a?fieldManager={manager}"
        _, stored = await crontabs("PATCH", url, crontab(ports=ports), media=APPLY)
    assert stored["spec"]["ports"] == [{"port": 1, "name": "a"}, {"port": 2, "name": "b"}]
    assert '"f:image"' not in str(stored["metadata"]["managedFields"])  # a default is nobody's
    changed = crontab(ports=[{"port": 1, "name": "c"}])
    code, status = await crontabs("PATCH", f"{CRONTABS}/a?fieldManager=two", changed, media=APPLY)
    assert (code, status["details"]["causes"][0]["field"]) == (409, ".spec.ports[port=1].name")


async def test_columns_and_selectable_fields(calls: Calls):
    columns = [
        {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
        {"name": "Image", "type": "string", "jsonPath": ".spec.image", "priority": 1},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    ]
    row = version("v1", additionalPrinterColumns=columns, selectableFields=[{"jsonPath": ".spec.image"}])
    await calls("POST", CRDS, crd(row))
    await calls("POST", CRONTABS, crontab("a"))
    await calls("POST", CRONTABS, crontab("b", image="other"))
    _, found = await calls("GET", f"{CRONTABS}?fieldSelector=spec.image%3Dother")
    assert [o["metadata"]["name"] for o in found["items"]] == ["b"]
    code, status = await calls("GET", f"{CRONTABS}?fieldSelector=spec.cronSpec%3Dx")
    assert (code, status["message"]) == (400, "field label not supported: spec.cronSpec")
    calls._headers = {**calls._headers, "accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    _, table = await calls("GET", CRONTABS)
    assert [(c["name"], c["priority"]) for c in table["columnDefinitions"]] == [
        ("Name", 0), ("Spec", 0), ("Image", 1), ("Replicas", 0),
    ]  # fmt: skip
    assert table["rows"][0]["cells"] == ["a", "* * * * */5", "nginx", 1]


async def test_deleting_a_definition_deletes_its_objects_first(crontabs: Calls):
    held = crontab("held")
    held["metadata"]["finalizers"] = ["example.com/wait"]
    for obj in (crontab("a"), held):
        await crontabs("POST", CRONTABS, obj)
    url = f"{CRDS}/crontabs.stable.example.com"
    _, going = await crontabs("DELETE", url)
    assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    await gone(crontabs, f"{CRONTABS}/a")
    _, going = await crontabs("GET", url)
    assert conditions(going)["Terminating"] == ("True", "InstanceDeletionInProgress")
    code, status = await crontabs("POST", CRONTABS, crontab("late"))
    assert (code, status["message"]) == (
        405, "create not allowed while custom resource definition is terminating",
    )  # fmt: skip
    await crontabs("PATCH", f"{CRONTABS}/held", {"metadata": {"finalizers": None}}, media=MERGE)
    await gone(crontabs, url)
    assert (await crontabs("GET", CRONTABS))[0] == 404
    _, groups = await crontabs("GET", "/apis")
    assert "stable.example.com" not in [g["name"] for g in groups["groups"]]


async def test_names_in_use_are_refused_until_they_are_free(crontabs: Calls):
    other = crd()
    other["metadata"]["name"] = "tabs.stable.example.com"
    other["spec"]["names"] = {"plural": "tabs", "kind": "CronTab"}
    _, made = await crontabs("POST", CRDS, other)
    # `tab` is free; the kind and its list are not.
    found = {c["type"]: c for c in made["status"]["conditions"]}
    assert (found["NamesAccepted"]["reason"], found["NamesAccepted"]["message"]) == (
        "ListKindConflict", '"CronTabList" is already in use',
    )  # fmt: skip
    assert found["Established"]["status"] == "False"
    assert (await crontabs("GET", "/apis/stable.example.com/v1/namespaces/default/tabs"))[0] == 404
    await crontabs("DELETE", f"{CRDS}/crontabs.stable.example.com")
    await answers(crontabs, "/apis/stable.example.com/v1/namespaces/default/tabs", 200)


async def test_several_versions_show_one_object_by_their_own_schemas(calls: Calls):
    old = {"type": "object", "properties": {"cronSpec": {"type": "string"}, "old": {"type": "string"}}}
    beta = version("v1beta1", storage=False, spec=old, deprecated=True)
    await calls("POST", CRDS, crd(version("v1"), beta))
    _, group = await calls("GET", "/apis/stable.example.com")
    assert [v["version"] for v in group["versions"]] == ["v1", "v1beta1"]
    url = CRONTABS.replace("v1/", "v1beta1/", 1)
    given = {**crontab(old="x"), "apiVersion": "stable.example.com/v1beta1"}
    _, shown = await calls("POST", url, given)
    assert (shown["apiVersion"], shown["spec"]) == (
        "stable.example.com/v1beta1", {"cronSpec": "* * * * */5"},
    )  # fmt: skip
    assert calls.warnings == ["stable.example.com/v1beta1 CronTab is deprecated"]
    _, stored = await calls("GET", f"{CRONTABS}/a")
    assert (stored["apiVersion"], stored["spec"]["replicas"]) == ("stable.example.com/v1", 1)
    async with calls.stream(f"{url}?watch=1") as events:
        first = await anext(events)
    assert first["object"]["apiVersion"] == "stable.example.com/v1beta1"


async def test_kinds_are_there_after_a_restart(tmp_path: Path):
    async with serving(tmp_path) as calls:
        await calls("POST", CRDS, crd())
        await calls("POST", CRONTABS, crontab())
    store = Store.open(tmp_path / "s.db")
    calls = Calls(Server(store, clock=SystemClock()))
    assert (await calls("GET", f"{CRONTABS}/a"))[1]["spec"]["image"] == "nginx"
    await store.close()


async def test_the_definition_of_a_kind_of_ours_is_kept_and_changes_nothing(calls: Calls):
    given = crd(version("v1"), group="serving.knative.dev")
    given["metadata"]["name"] = "services.serving.knative.dev"
    given["spec"]["names"] = {"plural": "services", "kind": "Service", "shortNames": ["kservice", "ksvc"]}
    code, made = await calls("POST", CRDS, given)
    assert code == 201
    assert conditions(made)["Established"] == ("True", "InitialNamesAccepted")
    assert [w for w in calls.warnings if "is served by Hauberk itself" in w]
    services = "/apis/serving.knative.dev/v1/namespaces/default/services"
    code, status = await calls(
        "POST", services, {**crontab(), "apiVersion": "serving.knative.dev/v1", "kind": "Service"}
    )
    assert (code, "spec.template" in status["message"]) == (422, True)  # still Knative's own rules
    await calls("DELETE", f"{CRDS}/services.serving.knative.dev")
    await gone(calls, f"{CRDS}/services.serving.knative.dev")
    assert (await calls("GET", services))[0] == 200


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"group": "nodots"}, "spec.group", "should be a domain with at least one dot"),
        ({"scope": "Both"}, "spec.scope", 'Unsupported value: "Both": supported values: "Cluster", "Name'),
        ({"versions": [version("v1"), version("v2")]}, "spec.versions", "exactly one version marked"),
        ({"versions": [{"name": "v1", "served": True, "storage": True}]},
         "spec.versions[0].schema.openAPIV3Schema", "Required value: schemas are required"),
        ({"conversion": {"strategy": "Webhook"}}, "spec.conversion.webhookClientConfig", "required when"),
        ({"names": {"plural": "crontabs", "kind": "CronTab", "listKind": "CronTab"}}, "spec.names.listKind",
         "kind and listKind may not be the same"),
    ],
)  # fmt: skip
async def test_a_wrong_definition_is_refused(calls: Calls, change: Any, field: str, text: str):
    code, status = await calls("POST", CRDS, crd(**change))
    assert code == 422
    assert [c for c in status["details"]["causes"] if c["field"] == field and text in c["message"]], status[
        "message"
    ]


async def test_what_may_not_change_is_refused(crontabs: Calls):
    url = f"{CRDS}/crontabs.stable.example.com"
    code, status = await crontabs("PATCH", url, {"spec": {"scope": "Cluster"}}, media=MERGE)
    assert (code, status["details"]["causes"][0]["message"]) == (
        422, 'Invalid value: "Cluster": field is immutable',
    )  # fmt: skip
    code, status = await crontabs("PATCH", url, {"spec": {"versions": [version("v2")]}}, media=MERGE)
    assert (code, status["details"]["causes"][0]["field"]) == (422, "status.storedVersions[0]")


def test_cel_is_not_loaded_before_it_is_needed():
    assert importlib.util.find_spec("cel_expr_python") is not None
    code = "import sys, hauberk.apiserver; sys.exit('cel_expr_python' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
