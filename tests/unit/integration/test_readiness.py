"""When is an object ready, and why is it not."""

from __future__ import annotations

import pytest

from hauberk.base.refs import Json, Ref
from hauberk.integration.causes import Evidence, containers_not_ready, is_unready, make_problem
from hauberk.integration.readiness import judge, not_true
from hauberk.integration.redact import redacted, redacted_text
from hauberk.integration.stages import Ready

SMCP = Ref("ServiceMeshControlPlane.maistra.io", "istio-system", "basic")


def wanted(condition: str, ref: Ref = SMCP) -> Ready:
    return Ready(ref=ref, condition=condition, within_s=5)


def obj(generation: int = 1, spec: Json | None = None, meta: Json | None = None, **status: object) -> Json:
    named = {"name": "basic", "namespace": "istio-system", "generation": generation, **(meta or {})}
    kind = {"apiVersion": "maistra.io/v2", "kind": "ServiceMeshControlPlane"}
    return {**kind, "metadata": named, "spec": spec or {}, "status": status}


def row(kind: str, status: str, reason: str = "", message: str = "") -> dict:
    return {"type": kind, "status": status, "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("condition", "live", "holds", "seen"),
    [
        ("exists", None, False, "it is not there"),
        ("exists", obj(), True, ""),
        ("exists", obj(meta={"deletionTimestamp": "t"}), False, "it is being deleted"),
        ("Ready", obj(conditions=[row("Ready", "True")]), True, ""),
        ("Ready", obj(), False, "its status is empty"),
        ("Ready", obj(phase="x"), False, "no condition Ready"),
        ("Ready", obj(conditions=[row("Ready", "False", "R", "m")]), False, "Ready=False R: m"),
        (
            "Ready",
            obj(2, observedGeneration=1, conditions=[row("Ready", "True")]),
            False,
            "its controller has seen generation 1 of 2",
        ),
        ("available", obj(spec={"replicas": 2}, availableReplicas=1, updatedReplicas=2), False, "1 of 2"),
        ("available", obj(spec={"replicas": 2}, availableReplicas=2, updatedReplicas=1), False, "1 of 2"),
        ("available", obj(spec={"replicas": 2}, availableReplicas=2, updatedReplicas=2), True, "2 of 2"),
        ("available", obj(availableReplicas=1, updatedReplicas=1), True, "1 of 1"),
        ("configured", obj(spec={"members": ["a", "b"]}, configuredMembers=["a"]), False, "configured: b"),
        ("configured", obj(spec={"members": ["a"]}, configuredMembers=["a", "z"]), True, "1 members"),
    ],
)
def test_readiness(condition: str, live: Json | None, holds: bool, seen: str):
    verdict = judge(wanted(condition), live)
    assert verdict.holds is holds
    assert seen in verdict.seen


def test_informational_conditions_are_not_told():
    rows = [row("A", "False", "No"), {**row("B", "False"), "severity": "Info"}, row("C", "True")]
    assert not_true(obj(conditions=rows)) == ("A=False No",)


def pod(name: str = "p", **state: object) -> Json:
    status = {
        "phase": "Running",
        "conditions": [row("Ready", "False", "ContainersNotReady")],
        "containerStatuses": [{"name": "app", "ready": False, "state": state}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "istio-system"},
        "status": status,
    }


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"waiting": {"reason": "ImagePullBackOff", "message": "no"}}, "ImagePullBackOff: no"),
        ({"terminated": {"reason": "Error", "exitCode": 1}}, "Error"),
        ({"running": {}}, "readiness probe"),
    ],
)
def test_a_container_says_why_it_is_not_ready(state: dict, told: str):
    ((name, why),) = containers_not_ready(pod(**state))
    assert name == "app"
    assert told in why


def test_pods_that_end_or_are_deleted_are_not_waited_for():
    assert is_unready(pod())
    assert not is_unready({**pod(), "status": {"phase": "Succeeded"}})
    assert not is_unready({**pod(), "metadata": {"name": "p", "deletionTimestamp": "t"}})


def test_without_an_operator_the_cause_is_that_nobody_acts():
    problem = make_problem(wanted("Ready"), Evidence(obj=obj(), operators=()))
    assert "is not ready after 5 s" in problem.what
    assert "its status is empty" in problem.found
    assert "no operator acts on it" in problem.found
    assert problem.fix.startswith("install the OpenShift Service Mesh Operator 2.x")


def test_an_operator_that_is_down_is_named():
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "istio-operator", "namespace": "openshift-operators"},
        "spec": {"replicas": 1},
        "status": {"replicas": 1},
    }
    problem = make_problem(wanted("Ready"), Evidence(obj=obj(), operators=(deployment,)))
    assert "Deployment openshift-operators/istio-operator: 0 of 1 available" in problem.found


def test_causes_are_conditions_pods_logs_and_events():
    event = {"type": "Warning", "reason": "Failed", "message": "no route", "involvedObject": {"kind": "Pod"}}
    evidence = Evidence(
        obj=obj(conditions=[row("Reconciled", "False", "InstallError", "no memory")]),
        pods=(pod("istiod", waiting={"reason": "CrashLoopBackOff"}),),
        logs={"istiod": "discovery: password=hunter2 refused"},
        events=(event,),
    )
    found = make_problem(wanted("Ready"), evidence).found
    for told in ("Reconciled=False InstallError: no memory", "CrashLoopBackOff", "refused", "no route"):
        assert told in found
    assert "hunter2" not in found


KEY = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (KEY, "abc"),
        ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
        ("token=s3cr3t", "s3cr3t"),
        ('"password": "s3cr3t"', "s3cr3t"),
        ("amqp://user:s3cr3t@host", "s3cr3t"),
        ("eyJhbGci.eyJzdWIi.c2ln", "eyJzdWIi"),
    ],
)
def test_secrets_in_text_are_hidden(text: str, hidden: str):
    assert hidden not in redacted_text(text)


def test_ordinary_text_stays():
    assert redacted_text("GET /healthz 200 secretName wildcard") == "GET /healthz 200 secretName wildcard"


def test_only_the_values_of_a_secret_are_hidden():
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"tls.key": "a2V5"}, "metadata": {}}
    assert redacted(secret)["data"] == {"tls.key": "<hidden>"}
    assert redacted({**secret, "kind": "ConfigMap"})["data"] == {"tls.key": "a2V5"}
