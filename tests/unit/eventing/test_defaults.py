from __future__ import annotations

from typing import Any

import pytest

from hauberk.eventing import ADMISSION
from hauberk.eventing.config.defaults import channel_template, configuration_for, parse_broker_defaults
from hauberk.kinds.eventing.broker import CLASS
from hauberk.operators.knative_eventing.plan import BROKER_DEFAULTS, CHANNEL_DEFAULTS
from hauberk.ports_admission import Request
from hauberk.testing.memory_api import MemoryApi

OWN = """
clusterDefault:
  brokerClass: MTChannelBasedBroker
  apiVersion: v1
  kind: ConfigMap
  name: config-br-default-channel
  namespace: knative-eventing
  delivery: {retry: 10}
  brokerClasses:
    Kafka: {apiVersion: v1, kind: ConfigMap, name: kafka-broker-config, namespace: knative-eventing}
namespaceDefaults:
  mine: {brokerClass: Kafka, delivery: {retry: 3}}
"""


@pytest.mark.parametrize(
    ("namespace", "broker_class", "config", "retry"),
    [
        ("other", "MTChannelBasedBroker", "config-br-default-channel", 10),
        ("mine", "Kafka", "kafka-broker-config", None),
    ],
)
def test_a_namespace_may_have_defaults_of_its_own(
    namespace: str, broker_class: str, config: str, retry: int | None
) -> None:
    found = parse_broker_defaults({"default-br-config": OWN}, namespace)
    assert found.broker_class == broker_class
    assert found.config is not None
    assert found.config["name"] == config
    assert (found.delivery or {}).get("retry") == retry


def test_a_class_that_the_defaults_do_not_name_gets_no_configuration_of_another() -> None:
    assert configuration_for({"default-br-config": BROKER_DEFAULTS}, "ns", "Rabbit") == {}


def test_nothing_readable_leaves_the_built_in_class() -> None:
    assert parse_broker_defaults({"default-br-config": ": :"}, "ns").broker_class == "MTChannelBasedBroker"
    assert channel_template({}, "ns") is None


def test_a_namespaces_channels_may_be_of_another_kind() -> None:
    kafka = "{apiVersion: messaging.knative.dev/v1beta1, kind: KafkaChannel, spec: {numPartitions: 3}}"
    data = {"default-ch-config": f"{CHANNEL_DEFAULTS}namespaceDefaults:\n  mine: {kafka}\n"}
    mine, other = channel_template(data, "mine"), channel_template(data, "other")
    assert mine is not None
    assert (mine["kind"], mine["spec"]) == ("KafkaChannel", {"numPartitions": 3})
    assert other == {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}


def request(kind: str, obj: dict[str, Any], snapshot: Any, namespace: str = "ns") -> Request:
    return Request(
        kind=kind, operation="CREATE", obj=obj, old=None, namespace=namespace, subresource="", user="u",
        snapshot=snapshot, options={},
    )  # fmt: skip


def step(name: str) -> Any:
    return next(row for row in ADMISSION if row.name == name).admit


def test_what_the_author_says_wins() -> None:
    api = MemoryApi()
    meta = {"name": "config-br-defaults", "namespace": "knative-eventing"}
    api.seed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"default-br-config": OWN}})
    said = {"metadata": {"name": "b", "annotations": {CLASS: "Kafka"}}, "spec": {"delivery": {"retry": 1}}}
    found = step("eventing-defaults")(request("Broker.eventing.knative.dev", said, api.snapshot())).obj
    assert found["metadata"]["annotations"][CLASS] == "Kafka"
    assert found["spec"]["config"]["name"] == "kafka-broker-config"
    assert found["spec"]["delivery"] == {"retry": 1}
    assert "config" not in said["spec"]


def test_features_that_do_not_act_are_told() -> None:
    data = {"authentication-oidc": "enabled", "istio": "enabled", "transport-encryption": "disabled"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config-features"}, "data": data}
    asked = request("ConfigMap", config, MemoryApi().snapshot(), "knative-eventing")
    (warning,) = step("eventing-config-validation")(asked).warnings
    assert warning.startswith("config-features authentication-oidc does not act here")
