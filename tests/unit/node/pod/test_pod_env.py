"""The environment of a container."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref
from hauberk.kinds.core.container import Container
from hauberk.node.pod.env import command_of, environment, expand
from hauberk.node.pod.fields import ConfigError, NodeFacts
from hauberk.node.pod.spec import Pod, pod_of
from hauberk.store.memory import Memory

Raw = dict[str, Any]
NODE = NodeFacts("10.128.0.1", cpu="8", memory="16Gi")


def a_pod(container: Raw, **spec: Any) -> Pod:
    meta = {
        "name": "p", "namespace": "ns", "uid": "u", "labels": {"a/b": "lab"}, "annotations": {"n": "note"},
    }  # fmt: skip
    base = {"nodeName": "hauberk", "serviceAccountName": "robot", "enableServiceLinks": False}
    return pod_of({"metadata": meta, "spec": {**base, "containers": [{"name": "c", **container}], **spec}})


def snapshot(*objs: Raw) -> Memory:
    memory = Memory()
    for index, obj in enumerate(objs):
        meta = obj["metadata"]
        ref = Ref(obj["kind"], meta["namespace"], meta["name"])
        memory.apply(ref, {"apiVersion": "v1", **obj}, index + 1)
    return memory


def obj(kind: str, name: str, namespace: str = "ns", **fields: Any) -> Raw:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "uid": name}, **fields}


def env_of(pod: Pod, *objs: Raw) -> dict[str, str]:
    container: Container = pod.spec.containers[0]
    return environment(pod, container, snapshot(*objs), ip="10.128.0.9", node=NODE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "ns"),
        ("metadata.uid", "u"),
        ("metadata.labels['a/b']", "lab"),
        ("metadata.annotations['n']", "note"),
        ("metadata.labels['none']", ""),
        ("spec.nodeName", "hauberk"),
        ("spec.serviceAccountName", "robot"),
        ("status.podIP", "10.128.0.9"),
        ("status.hostIP", "10.128.0.1"),
    ],
)
def test_fields_of_the_pod(path: str, value: str) -> None:
    var = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}
    assert env_of(a_pod({"env": [var]})) == {"X": value}


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ({"resource": "limits.cpu"}, "2"),
        ({"resource": "limits.cpu", "divisor": "1m"}, "1500"),
        ({"resource": "requests.cpu", "divisor": "1m"}, "250"),
        ({"resource": "requests.memory"}, "0"),
        ({"resource": "limits.memory", "divisor": "1Mi"}, "16384"),
    ],
)
def test_resources_are_rounded_up_and_fall_back_to_the_node(selector: Raw, value: str) -> None:
    var = {"name": "X", "valueFrom": {"resourceFieldRef": selector}}
    resources = {"limits": {"cpu": "1500m"}, "requests": {"cpu": "250m"}}
    assert env_of(a_pod({"env": [var], "resources": resources})) == {"X": value}


def key(kind: str, name: str, **fields: Any) -> Raw:
    return {"name": "X", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": "k", **fields}}}


@pytest.mark.parametrize(
    ("var", "expected"),
    [
        (key("configMap", "conf"), {"X": "v"}),
        (key("secret", "sec"), {"X": "s3"}),
        (key("secret", "none", optional=True), {}),
        (key("configMap", "conf", key="other", optional=True), {}),
    ],
)
def test_keys_of_config_maps_and_secrets(var: Raw, expected: dict[str, str]) -> None:
    objs = (obj("ConfigMap", "conf", data={"k": "v"}), obj("Secret", "sec", data={"k": "czM="}))
    assert env_of(a_pod({"env": [var]}), *objs) == expected


@pytest.mark.parametrize(
    ("var", "message"),
    [
        (key("secret", "x"), 'secret "x" not found'),
        (key("configMap", "x"), 'configmap "x" not found'),
        (key("configMap", "conf", key="no"), "couldn't find key no in ConfigMap ns/conf"),
        (
            {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.no"}}},
            "unsupported fieldPath: spec.no",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(var: Raw, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("'", ".")):
        env_of(a_pod({"env": [var]}), obj("ConfigMap", "conf", data={"k": "v"}))


def test_env_from_takes_all_keys_with_a_prefix_and_env_wins() -> None:
    container = {
        "envFrom": [
            {"prefix": "P_", "configMapRef": {"name": "conf"}},
            {"secretRef": {"name": "no", "optional": True}},
        ],
        "env": [{"name": "P_b", "value": "own"}],
    }
    conf = obj("ConfigMap", "conf", data={"a": "1", "b": "2", "not ok": "3"})
    assert env_of(a_pod(container), conf) == {"P_a": "1", "P_b": "own"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$A $", "$A $"),
        ("$(A", "$(A"),
        ("$$$(A)", "$1"),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1"}) == expanded


def test_commands_and_later_variables_see_earlier_ones() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"}, {"name": "C", "value": "$(D)"}]
    pod = a_pod({"env": env, "args": ["--b=$(B)"]})
    found = env_of(pod)
    assert found == {"A": "1", "B": "12", "C": "$(D)"}
    assert command_of(pod.spec.containers[0], found) == (None, ("--b=12",))


def test_service_links_describe_services_and_the_api_is_always_there() -> None:
    ports = [{"port": 80, "name": "http"}, {"port": 81, "protocol": "UDP"}]
    web = obj("Service", "my-web", spec={"clusterIP": "172.30.1.1", "ports": ports})
    headless = obj("Service", "less", spec={"clusterIP": "None", "ports": ports})
    api = obj("Service", "kubernetes", "default", spec={"clusterIP": "172.30.0.1", "ports": [{"port": 443}]})
    env = env_of(a_pod({}, enableServiceLinks=True), web, headless, api)
    assert env["MY_WEB_SERVICE_HOST"] == "172.30.1.1"
    assert env["MY_WEB_SERVICE_PORT_HTTP"] == env["MY_WEB_SERVICE_PORT"] == "80"
    assert env["MY_WEB_PORT_81_UDP"] == "udp://172.30.1.1:81"
    assert env["KUBERNETES_SERVICE_HOST"] == "172.30.0.1"
    assert not any(name.startswith("LESS") for name in env)
    off = env_of(a_pod({}), web, api)
    assert "MY_WEB_SERVICE_HOST" not in off
    assert off["KUBERNETES_SERVICE_PORT"] == "443"
