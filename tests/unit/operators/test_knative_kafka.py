"""KnativeKafka: which workloads its switches bring, and what the overrides and fields make of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.kinds.knative_operator.knative_kafka import KIND, WORKLOADS
from hauberk.operators.knative_kafka.plan import World, plan

DOCUMENT = """
channel: {enabled: true, bootstrapServers: "b:9092"}
source: {enabled: true}
broker:
  enabled: true
  defaultConfig: {bootstrapServers: "b:9092", numPartitions: 3, replicationFactor: 1}
  sink: {enabled: true}
"""


def kafka(spec: Any, *, namespace: str = "knative-eventing", eventing: bool = True) -> Plan:
    obj = {"metadata": {"name": "knative-kafka", "namespace": namespace, "uid": "u"}, "spec": spec}
    return plan(World(kafka=obj, deployments={}, eventing=eventing), 0.0)


def named(result: Plan, kind: str) -> dict[str, Json]:
    return {c["metadata"]["name"]: c for c in result.children if c["kind"] == kind}


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({}, set()),
        ({"source": {"enabled": True}}, {"kafka-controller", "kafka-source-dispatcher"}),
        ({"sink": {"enabled": True}}, {"kafka-controller", "kafka-sink-receiver"}),
        ({"broker": {"sink": {"enabled": True}}}, {"kafka-controller", "kafka-sink-receiver"}),
        ({"channel": {"enabled": True}},
         {"kafka-controller", "kafka-channel-receiver", "kafka-channel-dispatcher"}),
        (yaml.safe_load(DOCUMENT), set(WORKLOADS)),
    ],
)  # fmt: skip
def test_each_switch_brings_its_workloads(spec: Any, names: set[str]) -> None:
    assert set(named(kafka(spec), "Deployment")) == names


def test_overrides_reach_the_pods() -> None:
    spec = {**yaml.safe_load(DOCUMENT), "workloads": [
        {"name": name, "labels": {"sidecar.istio.io/inject": "true"}} for name in WORKLOADS
    ]}  # fmt: skip
    for deployment in named(kafka(spec), "Deployment").values():
        assert deployment["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "true"


def test_the_fields_become_the_config_maps_that_brokers_and_channels_read() -> None:
    maps = named(kafka(yaml.safe_load(DOCUMENT)), "ConfigMap")
    assert maps["kafka-broker-config"]["data"] == {
        "bootstrap.servers": "b:9092",
        "default.topic.partitions": "3",
        "default.topic.replication.factor": "1",
    }
    assert maps["kafka-channel-config"]["data"] == {"bootstrap.servers": "b:9092"}


def test_a_pod_is_told_its_role_by_its_argument_and_its_label() -> None:
    pod = named(kafka({"source": {"enabled": True}}), "Deployment")["kafka-source-dispatcher"]["spec"][
        "template"
    ]
    assert pod["metadata"]["labels"]["hauberk.dev/role"] == "kafka-source-dispatcher"
    assert pod["spec"]["containers"][0]["args"] == ["kafka-source-dispatcher"]


def test_it_is_installed_into_knative_eventing_only() -> None:
    result = kafka({"source": {"enabled": True}}, namespace="elsewhere")
    assert not result.children
    assert "knative-eventing" in str(result.status)


def test_without_knative_eventing_it_is_not_ready() -> None:
    status = kafka({"source": {"enabled": True}}, eventing=False).status
    assert status is not None
    assert {c["type"]: c["status"] for c in status["conditions"]}["EventingInstalled"] == "False"


def test_sink_below_broker_warns_where_it_belongs() -> None:
    (error,) = KIND.strict({"metadata": {"name": "n"}, "spec": yaml.safe_load(DOCUMENT)})
    assert error.path == "spec.broker.sink"
    assert "spec.sink.enabled" in str(error)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"channel": {"enabled": True}}, "spec.channel.bootstrapServers"),
        ({"broker": {"enabled": True}}, "spec.broker.defaultConfig.bootstrapServers"),
        ({"workloads": [{"name": "x"}]}, "there is no workload"),
    ],
)
def test_what_cannot_work_is_said(spec: Any, text: str) -> None:
    assert any(text in line for line in KIND.advice({"metadata": {"name": "n"}, "spec": spec}))
