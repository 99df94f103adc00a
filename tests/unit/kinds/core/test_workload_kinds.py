"""Kubernetes' own kinds: upstream's errors, defaults and columns."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hauberk.base.times import age
from hauberk.kinds import BY_ID
from hauberk.kinds.core import configmap, pod, secret, service
from hauberk.kinds.core.pod_columns import shown
from hauberk.kinds.walk import warnings

LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"


def a_pod(**container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"containers": [{"name": "c", "image": "i", **container}]},
    }


def a_deployment(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "a"},
        "spec": {
            "selector": {"matchLabels": {"app": "d"}},
            "template": {"metadata": {"labels": {"app": "d"}}, "spec": a_pod()["spec"]},
            **spec,
        },
    }


def a_service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "a"}, "spec": spec}


def a_secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}, **fields}


def errors(kind: str, raw: dict[str, Any]) -> list[str]:
    row = BY_ID[kind]
    return [str(e) for e in row.validate(row.parse(row.default(copy.deepcopy(raw))))]


def test_a_plain_object_of_each_kind_has_no_errors_and_no_warnings() -> None:
    for raw in (a_pod(), a_service(ports=[{"port": 80}]), a_secret(data={"k": "dg=="})):
        assert errors(raw["kind"], raw) == []
        assert list(warnings(BY_ID[raw["kind"]], BY_ID[raw["kind"]].default(raw))) == []
    assert errors("Deployment.apps", a_deployment()) == []


@pytest.mark.parametrize(
    ("container", "want"),
    [
        ({"image": ""}, ["spec.containers[0].image: Required value"]),
        ({"name": ""}, ["spec.containers[0].name: Required value"]),
        (
            {"ports": [{"containerPort": 70000}]},
            [
                "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 "
                "and 65535, inclusive"
            ],
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            ['spec.containers[0].ports[1].name: Duplicate value: "a"'],
        ),
        (
            {"ports": [{"containerPort": 1, "name": "Much_too_long_name"}]},
            [
                'spec.containers[0].ports[0].name: Invalid value: "Much_too_long_name": must be no '
                "more than 15 characters",
                'spec.containers[0].ports[0].name: Invalid value: "Much_too_long_name": must contain '
                "only alpha-numeric "
                "characters (a-z, 0-9), and hyphens (-)",
            ],
        ),
        (
            {"volumeMounts": [{"name": "x", "mountPath": "/x"}]},
            ['spec.containers[0].volumeMounts[0].name: Not found: "x"'],
        ),
        (
            {"imagePullPolicy": "Sometimes"},
            [
                'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported '
                'values: "Always", '
                '"IfNotPresent", "Never"'
            ],
        ),
        (
            {"livenessProbe": {}},
            ["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
            ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
        ),
        (
            {"readinessProbe": {"tcpSocket": {"port": 1}, "httpGet": {"port": 1}}},
            ["spec.containers[0].readinessProbe: Forbidden: may not specify more than 1 handler type"],
        ),
        ({"env": [{"value": "v"}]}, ["spec.containers[0].env[0].name: Required value"]),
        (
            {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
            [
                'spec.containers[0].resources.requests: Invalid value: "2": must be less than or '
                "equal to cpu limit of 1"
            ],
        ),
    ],
)
def test_container_mistakes(container: dict[str, Any], want: list[str]) -> None:
    assert errors("Pod", a_pod(**container)) == want


def test_a_bad_name_is_told_in_upstreams_words() -> None:
    raw = a_pod(name="Not_Valid")
    (error,) = errors("Pod", raw)
    assert error.startswith(f'spec.containers[0].name: Invalid value: "Not_Valid": {LABEL}')


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        (
            {"selector": {"matchLabels": {"app": "x"}}},
            'spec.template.metadata.labels: Invalid value: map[string]string{"app":"d"}: `selector` '
            "does not match "
            "template `labels`",
        ),
        ({"selector": None}, "spec.selector: Required value"),
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ),
        (
            {"template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c"}]}}},
            "spec.template.spec.containers[0].image: Required value",
        ),
    ],
)
def test_deployment_mistakes(spec: dict[str, Any], want: str) -> None:
    raw = a_deployment(**spec)
    if spec.get("selector", 1) is None:
        del raw["spec"]["selector"]
    assert errors("Deployment.apps", raw) == [want]


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ({}, ["spec.ports: Required value"]),
        ({"clusterIP": "None"}, []),
        ({"type": "ExternalName"}, ["spec.externalName: Required value"]),
        (
            {"ports": [{"port": 80}, {"port": 81}]},
            ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
        ),
        (
            {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]},
            ['spec.ports[1].name: Duplicate value: "a"'],
        ),
        (
            {"ports": [{"port": 0}]},
            [
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
            ],
        ),
        (
            {"type": "Magic", "ports": [{"port": 80}]},
            [
                'spec.type: Unsupported value: "Magic": supported values: '
                '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ],
        ),
    ],
)
def test_service_mistakes(spec: dict[str, Any], want: list[str]) -> None:
    assert errors("Service", a_service(**spec)) == want


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        ({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}, ["data[tls.key]: Required value"]),
        ({"data": {"k": "not base64!"}}, ['data[k]: Invalid value: "<redacted>": illegal base64 data']),
    ],
)
def test_secret_mistakes(fields: dict[str, Any], want: list[str]) -> None:
    assert errors("Secret", a_secret(**fields)) == want


def test_plain_secret_data_becomes_base64() -> None:
    raw = secret.default(a_secret(data={"a": "dg==", "b": "dg=="}, stringData={"b": "w"}))
    assert raw["data"] == {"a": "dg==", "b": "dw=="}
    assert "stringData" not in raw
    assert raw["type"] == "Opaque"


def test_pod_defaults_are_upstreams() -> None:
    raw = pod.default_pod(a_pod(readinessProbe={"httpGet": {"port": 80}}, resources={"limits": {"cpu": "1"}}))
    spec = raw["spec"]
    assert (spec["restartPolicy"], spec["dnsPolicy"], spec["terminationGracePeriodSeconds"]) == (
        "Always", "ClusterFirst", 30,
    )  # fmt: skip
    (container,) = spec["containers"]
    assert container["imagePullPolicy"] == "Always"
    assert container["resources"]["requests"] == {"cpu": "1"}
    assert container["readinessProbe"] == {
        "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
        "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "want"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("host:5000/a", "Always"),
        ("host:5000/a:2", "IfNotPresent"),
        ("a@sha256:00", "IfNotPresent"),
    ],
)
def test_pull_policy_follows_the_tag(image: str, want: str) -> None:
    raw = pod.default_pod(a_pod(image=image))
    assert raw["spec"]["containers"][0]["imagePullPolicy"] == want


def test_a_service_gets_a_target_port_and_an_external_name_gets_no_address_family() -> None:
    raw = service.default(a_service(ports=[{"port": 80}]))
    assert raw["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert raw["spec"]["ipFamilies"] == ["IPv4"]
    assert "ipFamilies" not in service.default(a_service(type="ExternalName", externalName="x.y"))["spec"]


def test_only_images_of_a_pod_may_change() -> None:
    old, new = a_pod(), a_pod(image="other")
    assert list(pod.validate_update(old, new)) == []
    (error,) = pod.validate_update(old, a_pod(command=["x"]))
    assert str(error).startswith("spec: Forbidden: pod updates may not change fields other than")


def test_an_immutable_config_map_stays() -> None:
    old = {"immutable": True, "data": {"a": "1"}}
    assert [str(e) for e in configmap.validate_update(old, {"immutable": True, "data": {"a": "2"}})] == [
        "data: Forbidden: field is immutable when `immutable` is set"
    ]


def state(**kind: Any) -> dict[str, Any]:
    return {"name": "c", "ready": "running" in kind, "restartCount": 0, "state": kind}


RUNNING, READY = {"running": {}}, [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    ("status", "deleting", "want"),
    [
        ({"phase": "Pending"}, False, "0/1 Pending"),
        ({"phase": "Running", "containerStatuses": [state(**RUNNING)]}, False, "1/1 Running"),
        ({"phase": "Running", "containerStatuses": [state(**RUNNING)]}, True, "1/1 Terminating"),
        (
            {"phase": "Running", "containerStatuses": [state(waiting={"reason": "CrashLoopBackOff"})]},
            False,
            "0/1 CrashLoopBackOff",
        ),
        (
            {"phase": "Succeeded", "containerStatuses": [state(terminated={"reason": "Completed"})]},
            False,
            "0/1 Completed",
        ),
        (
            {"phase": "Failed", "containerStatuses": [state(terminated={"exitCode": 3})]},
            False,
            "0/1 ExitCode:3",
        ),
        ({"phase": "Failed", "reason": "Evicted"}, True, "0/1 Evicted"),
    ],
)
def test_pod_status_column(status: dict[str, Any], deleting: bool, want: str) -> None:
    raw = {**a_pod(), "status": status}
    if deleting:
        raw["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    line = shown(raw)
    assert f"{line.ready}/{line.total} {line.status}" == want


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        ([], "Init:0/2"),
        ([{"name": "i", "state": {"running": {}}}], "Init:0/2"),
        (
            [
                {"name": "i", "state": {"terminated": {"exitCode": 0}}},
                {"name": "j", "state": {"running": {}}},
            ],
            "Init:1/2",
        ),
        ([{"name": "i", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}], "Init:Error"),
        ([{"name": "i", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}], "Init:CrashLoopBackOff"),
    ],
)
def test_pod_status_column_while_initializing(rows: list[Any], want: str) -> None:
    raw = a_pod()
    raw["spec"]["initContainers"] = [{"name": "i", "image": "i"}, {"name": "j", "image": "i"}]
    raw["status"] = {"phase": "Pending", "initContainerStatuses": rows}
    if not rows:
        want = "Pending"
    assert shown(raw).status == want


@pytest.mark.parametrize(
    ("seconds", "want"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (10800, "3h"),
        (11100, "3h5m"),
        (200000, "2d7h"),
    ],
)
def test_ages_read_as_kubectl_prints_them(seconds: float, want: str) -> None:
    assert age(seconds) == want


def test_repeated_variables_are_warned_about() -> None:
    raw = a_pod(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])
    assert list(pod.advice(raw)) == [
        'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "PriorityClass.scheduling.k8s.io",
    ],
)
def test_kinds_that_do_not_act_say_so(kind: str) -> None:
    (text,) = BY_ID[kind].advice({"metadata": {"name": "x"}})
    assert "is stored but does not act on the embedded cluster yet" in text
