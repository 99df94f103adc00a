"""Kafka for Knative under the document's strict mTLS, against a real Kafka outside the mesh."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kafkaroom import (
    HOST,
    KNATIVE_KAFKA,
    MESSAGING,
    NAMESPACE,
    SERVICE_ENTRY,
    SYSTEM,
    WORKLOADS,
    KafkaRoom,
    target,
    unique,
)

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
AT_ONCE = ("--grace-period=0", "--force")


def test_every_component_of_the_document_is_a_pod_with_a_sidecar(kafka: KafkaRoom) -> None:
    pods = kafka.cluster.json("pods", "-n", SYSTEM)["items"]
    for name in WORKLOADS:
        (pod,) = [p for p in pods if p["metadata"]["labels"].get("app") == name]
        assert "istio-proxy" in {c["name"] for c in pod["spec"]["containers"]}, name


def test_an_event_goes_through_broker_channel_and_topic_to_its_subscriber(kafka: KafkaRoom) -> None:
    """Broker → trigger → KafkaChannel → subscription → KafkaSink → topic → KafkaSource → subscriber."""
    name = unique("chain")
    kafka.sink(name, name)
    kafka.ready("kafkasink", name)
    kafka.source(name, name, "/end")
    kafka.make(f"{MESSAGING}/v1beta1", "KafkaChannel", name, spec={"numPartitions": 2})
    to_sink = {"ref": {"apiVersion": "eventing.knative.dev/v1alpha1", "kind": "KafkaSink", "name": name}}
    channel = {"apiVersion": f"{MESSAGING}/v1beta1", "kind": "KafkaChannel", "name": name}
    kafka.make(f"{MESSAGING}/v1", "Subscription", name, spec={"channel": channel, "subscriber": to_sink})
    kafka.broker(name)
    only = {"attributes": {"type": "greeting"}}
    kafka.trigger(name, name, {"ref": channel}, filter=only)
    for kind in ("kafkasource", "kafkachannel", "subscription", "broker", "trigger"):
        kafka.ready(kind, name)
    url = kafka.address("broker", name)
    assert kafka.send(url, f"{name}-1") == "202"
    assert kafka.send(url, f"{name}-2", "whisper") == "202"
    kafka.until(f"/end {name}-1 greeting")
    assert not [line for line in kafka.got() if f"{name}-2" in line]
    for kind in ("trigger", "broker", "subscription", "kafkachannel", "kafkasource", "kafkasink"):
        kafka.cluster.must("delete", kind, name, "-n", NAMESPACE, "--timeout=20s")
    left = kafka.topics()
    owned = (name, f"knative-broker-{NAMESPACE}-{name}", f"knative-messaging-kafka.{NAMESPACE}.{name}")
    assert not set(owned) & set(left), left


@pytest.mark.parametrize(("path", "status"), [("/nobody/nothing", "404"), ("", "400")])
def test_what_nobody_takes_is_refused(kafka: KafkaRoom, path: str, status: str) -> None:
    name = unique("bad")
    kafka.sink(name, name)
    kafka.ready("kafkasink", name)
    url = kafka.address("kafkasink", name)
    if path:
        assert kafka.send(url.replace(f"/{NAMESPACE}/{name}", path), "x") == status
    else:
        assert kafka.send(url, "") == status  # no id: not an event


def test_replies_go_into_the_brokers_topic_and_failures_to_the_dead_letter_sink(kafka: KafkaRoom) -> None:
    name = unique("dl")
    delivery = {"retry": 1, "backoffDelay": "PT0.1S", "deadLetterSink": target("/dead")}
    kafka.broker(name, delivery=delivery)
    kafka.trigger(f"{name}-ask", name, target("/reply"), filter={"attributes": {"type": "greeting"}})
    kafka.trigger(f"{name}-bad", name, target("/fail"), filters=[{"exact": {"type": "answer"}}])
    kafka.ready("broker", name)
    for trigger in ("ask", "bad"):
        kafka.ready("trigger", f"{name}-{trigger}")
    assert kafka.send(kafka.address("broker", name), f"{name}-1") == "202"
    kafka.until(f"/reply {name}-1", f"/fail re-{name}-1 answer", f"/dead re-{name}-1 answer")
    (dead,) = [line for line in kafka.got() if line.startswith(f"/dead re-{name}-1")]
    assert "knativeerrorcode=50" in dead
    assert "knativeerrordest=http://kf-sink" in dead
    assert sum(line.startswith(f"/fail re-{name}-1") for line in kafka.got()) == 2


def test_a_login_by_scram_and_one_by_certificate_reach_the_same_topic(kafka: KafkaRoom) -> None:
    """KafkaSink by SASL_SSL on 9094 with a Secret of upstream's keys, KafkaSource by TLS on 9093."""
    name = unique("auth")
    for secret in ("my-sasl-user", "my-tls-user"):
        data = kafka.cluster.json("secret", secret, "-n", "kafka")["data"]
        kafka.make("v1", "Secret", f"{name}-{secret}", data=data)
    login = {"secret": {"ref": {"name": f"{name}-my-sasl-user"}}}
    kafka.sink(name, name, bootstrapServers=[f"{HOST}:9094"], auth=login)
    kafka.ready("kafkasink", name)

    def key(field: str) -> dict[str, Any]:
        return {"secretKeyRef": {"name": f"{name}-my-tls-user", "key": field}}

    tls = {"enable": True, "cert": key("user.crt"), "key": key("user.key"), "caCert": key("ca.crt")}
    kafka.source(name, name, "/tls", bootstrapServers=[f"{HOST}:9093"], net={"tls": tls})
    kafka.ready("kafkasource", name)
    assert kafka.send(kafka.address("kafkasink", name), f"{name}-1") == "202"
    kafka.until(f"/tls {name}-1")
    kafka.cluster.must(
        "patch", "secret", f"{name}-my-sasl-user", "-n", NAMESPACE, "--type=merge", "-p",
        json.dumps({"stringData": {"password": "wrong"}}),
    )  # fmt: skip
    row = kafka.ready("kafkasink", name, "False")
    assert "invalid credentials" in row["message"]


def test_a_topic_that_goes_away_is_said_and_one_that_comes_back_is_read(kafka: KafkaRoom) -> None:
    name = unique("gone")
    kafka.source(name, name, "/back")
    row = kafka.ready("kafkasource", name, "False")
    assert name in row["message"]
    kafka.topics("create", name)
    kafka.ready("kafkasource", name)
    kafka.topics("delete", name)
    kafka.ready("kafkasource", name, "False")
    kafka.topics("create", name)
    kafka.ready("kafkasource", name)
    kafka.sink(name, name, numPartitions=None, replicationFactor=None)
    kafka.ready("kafkasink", name)
    assert kafka.send(kafka.address("kafkasink", name), f"{name}-1") == "202"
    kafka.until(f"/back {name}-1", within_s=40)


def test_a_source_begins_where_it_is_told_and_makes_events_of_plain_records(kafka: KafkaRoom) -> None:
    name = unique("plain")
    kafka.topics("create", name)
    kafka.topics("write", name, "7")
    key_type = {"kafkasources.sources.knative.dev/key-type": "int"}
    kafka.source(f"{name}-all", name, "/all", initialOffset="earliest", labels=key_type)
    kafka.source(f"{name}-new", name, "/new", ceOverrides={"extensions": {"knativeerrorcode": "none"}})
    kafka.ready("kafkasource", f"{name}-all")
    kafka.ready("kafkasource", f"{name}-new")
    kafka.topics("write", name, "8")
    eventually(lambda: sum(g.startswith("/all partition:") for g in kafka.got()) == 2, what=str(kafka.got()))
    new = [g for g in kafka.got() if g.startswith("/new partition:")]
    assert len(new) == 1, kafka.got()
    assert new[0].endswith("dev.knative.kafka.event knativeerrorcode=none")


def test_events_of_one_key_arrive_in_order(kafka: KafkaRoom) -> None:
    name = unique("order")
    kafka.sink(name, name)
    kafka.ready("kafkasink", name)
    kafka.source(name, name, "/order", consumers=2)
    kafka.ready("kafkasource", name)
    url = kafka.address("kafkasink", name)
    sent = [f"{name}-{i}" for i in range(8)]
    for event in sent:
        assert kafka.send(url, event, partitionkey="one") == "202"
    kafka.until(f"/order {sent[-1]}")
    assert [line.split()[1] for line in kafka.got() if line.startswith(f"/order {name}-")] == sent


def test_what_was_accepted_survives_a_killed_broker_and_a_killed_dispatcher(kafka: KafkaRoom) -> None:
    name = unique("kill")
    kafka.sink(name, name)
    kafka.ready("kafkasink", name)
    kafka.source(name, name, "/kill")
    kafka.ready("kafkasource", name)
    url = kafka.address("kafkasink", name)
    kafka.cluster.must("delete", "pod", "-n", SYSTEM, "-l", "app=kafka-source-dispatcher", *AT_ONCE)
    accepted = [f"{name}-{i}" for i in range(3) if kafka.send(url, f"{name}-{i}") == "202"]
    assert len(accepted) == 3
    kafka.cluster.must("delete", "pod", "-n", "kafka", "-l", "strimzi.io/cluster=my-cluster", *AT_ONCE)
    kafka.ready("kafkasink", name, "False")
    during = kafka.send(url, f"{name}-during")  # Kafka may be back within the time that a receiver waits
    assert during in ("202", "503")
    accepted += [f"{name}-during"] if during == "202" else []
    kafka.ready("kafkasink", name, within_s=60)
    eventually(lambda: kafka.send(url, f"{name}-after") == "202", within_s=20, what="sent again", every_s=0.5)
    kafka.until(*(f"/kill {event}" for event in accepted), f"/kill {name}-after", within_s=60)


def test_without_its_service_entry_kafka_is_out_of_reach_and_the_condition_says_why(kafka: KafkaRoom) -> None:
    name = unique("registry")
    kafka.sink(name, name)
    kafka.ready("kafkasink", name)

    def outbound(policy: str | None) -> None:
        traffic = {"trafficControl": {"outbound": {"policy": policy} if policy else None}}
        patch = json.dumps({"spec": {"proxy": {"networking": traffic}}})
        kafka.cluster.must("patch", "smcp", "basic", "-n", "istio-system", "--type=merge", "-p", patch)

    outbound("REGISTRY_ONLY")
    try:
        kafka.cluster.must("delete", "serviceentry", "kafka-cluster", "-n", SYSTEM)
        row = kafka.ready("kafkasink", name, "False")
        assert "REGISTRY_ONLY and no ServiceEntry" in row["message"]
        assert HOST in row["message"]
        kafka.cluster.apply(json.dumps(SERVICE_ENTRY))
        kafka.ready("kafkasink", name)
        assert kafka.send(kafka.address("kafkasink", name), f"{name}-1") == "202"
    finally:
        outbound(None)
        kafka.cluster.apply(json.dumps(SERVICE_ENTRY))


def test_a_dispatcher_without_the_documents_label_is_refused_by_a_strict_subscriber(kafka: KafkaRoom) -> None:
    name = unique("label")
    kafka.sink(name, name)
    kafka.ready("kafkasink", name)
    patient = {"retry": 100, "backoffPolicy": "linear", "backoffDelay": "PT0.01S"}
    kafka.source(name, name, "/label", delivery=patient)
    kafka.ready("kafkasource", name)
    spec = KNATIVE_KAFKA["spec"]
    rows = [row for row in spec["workloads"] if row["name"] != "kafka-source-dispatcher"]
    try:
        kafka.cluster.apply(json.dumps({**KNATIVE_KAFKA, "spec": {**spec, "workloads": rows}}))
        kafka.rolled("kafka-source-dispatcher")
        kafka.ready("kafkasource", name)
        assert kafka.send(kafka.address("kafkasink", name), f"{name}-1") == "202"
        kafka.stays_away(f"/label {name}-1")
    finally:
        kafka.cluster.apply(json.dumps(KNATIVE_KAFKA))
        kafka.rolled("kafka-source-dispatcher")
    kafka.until(f"/label {name}-1")
