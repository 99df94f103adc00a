"""What Kafka's objects become: contracts of the roles, conditions from what the data plane says."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.events.contract import PENDING
from hauberk.events.roles import Acked
from hauberk.kafka import ROLES, contract, controllers
from hauberk.kafka.names import broker_topic
from hauberk.kafka.reach import hint
from hauberk.kinds.eventing import kafka_channel, kafka_sink, kafka_source
from hauberk.ports import Snapshot
from hauberk.store.memory import Memory

SYSTEM = "knative-eventing"
SERVERS = "my-cluster-kafka-bootstrap.kafka:9092"


def obj(
    api: str, kind: str, name: str, spec: Any = None, namespace: str = "n", **meta: Any
) -> dict[str, Any]:
    fields = {"name": name, "namespace": namespace, "uid": f"u-{name}", "generation": 1, **meta}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": fields,
        **({"spec": spec} if spec is not None else {}),
    }


def config(name: str, **data: str) -> dict[str, Any]:
    return {**obj("v1", "ConfigMap", name, namespace=SYSTEM), "data": {"bootstrap.servers": SERVERS, **data}}


def pod(role: str, *, ready: bool = True, inject: bool = False) -> dict[str, Any]:
    labels = {"hauberk.dev/role": role, **({"sidecar.istio.io/inject": "true"} if inject else {})}
    made = obj("v1", "Pod", role, {}, SYSTEM, labels=labels)
    made["status"] = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    return made


def stored(*objects: dict[str, Any]) -> Snapshot:
    memory = Memory()
    for revision, one in enumerate(objects, 1):
        memory.apply(ref_of(one), one, revision)
    return memory


SINK = obj(
    "eventing.knative.dev/v1alpha1",
    "KafkaSink",
    "s",
    {"topic": "t", "bootstrapServers": [SERVERS], "numPartitions": 2, "replicationFactor": 1},
)
TO = {"uri": "http://end"}
SOURCE = obj(
    "sources.knative.dev/v1",
    "KafkaSource",
    "k",
    {"topics": ["t"], "bootstrapServers": [SERVERS], "sink": TO, "consumers": 2},
)
CHANNEL = obj(
    "messaging.knative.dev/v1beta1",
    "KafkaChannel",
    "c",
    {
        "numPartitions": 4,
        "retentionDuration": "PT1H",
        "subscribers": [{"uid": "sub", "subscriberUri": "http://x"}],
    },
)
KAFKA = {"eventing.knative.dev/broker.class": "Kafka"}
BROKER = obj("eventing.knative.dev/v1", "Broker", "b", {}, annotations=KAFKA)
OTHER = obj(
    "eventing.knative.dev/v1", "Broker", "mt", {}, annotations={"eventing.knative.dev/broker.class": "MT"}
)
TRIGGER = obj("eventing.knative.dev/v1", "Trigger", "t", {"broker": "b", "subscriber": TO})
FOREIGN = obj("eventing.knative.dev/v1", "Trigger", "f", {"broker": "mt", "subscriber": TO})
WORLD = (
    SINK, SOURCE, CHANNEL, BROKER, OTHER, TRIGGER, FOREIGN, config("kafka-broker-config"),
    config("kafka-channel-config"),
)  # fmt: skip


def of_role(name: str, *objects: dict[str, Any]) -> dict[str, Any]:
    (role,) = [r for r in ROLES if r.name == name]
    return {r.name: r for r in role.resources(stored(*objects))}


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("kafka-controller", {"s", "k", "c", "b"}),
        ("kafka-sink-receiver", {"s"}),
        ("kafka-source-dispatcher", {"k"}),
        ("kafka-channel-receiver", {"c"}),
        ("kafka-channel-dispatcher", {"c"}),
        ("kafka-broker-receiver", {"b"}),
        ("kafka-broker-dispatcher", {"t"}),
    ],
)
def test_each_role_serves_its_own_objects(role: str, names: set[str]) -> None:
    assert set(of_role(role, *WORLD)) == names


def test_a_channels_topic_has_its_shape() -> None:
    settings = of_role("kafka-controller", *WORLD)["c"].settings
    assert settings["topics"] == ["knative-messaging-kafka.n.c"]
    assert (settings["wanted"], settings["partitions"]) == ("made", 4)
    assert settings["config"] == {"retention.ms": "3600000"}


@pytest.mark.parametrize(("change", "wanted"), [({}, "made"), ({"numPartitions": None}, "there")])
def test_a_sink_without_sizes_uses_a_topic_that_is_there(change: dict[str, Any], wanted: str) -> None:
    sink = {**SINK, "spec": {**SINK["spec"], **change}}
    assert of_role("kafka-controller", sink)["s"].settings["wanted"] == wanted


def test_a_deleted_objects_own_topic_goes_and_somebody_elses_stays() -> None:
    def deleted(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "metadata": {**one["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}

    found = of_role("kafka-controller", deleted(SINK), deleted(SOURCE))
    assert set(found) == {"s"}
    assert found["s"].settings["wanted"] == "gone"
    assert not of_role("kafka-sink-receiver", deleted(SINK))


def test_topic_names_follow_the_templates() -> None:
    said = config("config-kafka-features", **{"brokers.topic.template": "my-{{ .Name }}-{{.UID}}"})
    assert broker_topic(BROKER, stored(said)) == "my-b-u-b"
    assert broker_topic(BROKER, stored()) == "knative-broker-n-b"
    wrong = config("config-kafka-features", **{"brokers.topic.template": "{{ .Labels.x }}"})
    assert broker_topic(BROKER, stored(wrong)) == "knative-broker-n-b"


def test_a_source_is_a_group_with_upstreams_delivery_unless_told_otherwise() -> None:
    (egress,) = of_role("kafka-source-dispatcher", *WORLD)["k"].egresses
    assert (egress.delivery.retry, egress.delivery.delay) == (10, 10.0)
    assert egress.ordered
    assert egress.settings["group"] == "knative-kafka-source-u-k"
    assert egress.settings["consumers"] == 2


def reconciled(
    one: dict[str, Any], *others: dict[str, Any], acked: Acked | None, topics: Acked | None
) -> Json:
    def serves(role: str, uid: str) -> Acked | None:
        return topics if role == "kafka-controller" else acked

    ref = ref_of(one)
    for controller in controllers(serves):
        if controller.kind == ref.kind:
            world = controller.observe(stored(one, *others), ref)
            if world is not None:
                status = controller.plan(world, 0.0).status
                assert status is not None
                return status
    raise AssertionError("nobody reads it")


def by_type(status: Json) -> dict[str, Any]:
    return {c["type"]: c for c in status["conditions"]}


PODS = tuple(pod(role.name) for role in ROLES)
FINE, TOPICS = Acked(1), Acked(2)


@pytest.mark.parametrize("one", [SINK, SOURCE, CHANNEL, BROKER], ids=lambda o: o["kind"])
def test_all_is_well_when_the_data_plane_says_so(one: dict[str, Any]) -> None:
    status = reconciled(one, *WORLD[7:], *PODS, acked=FINE, topics=TOPICS)
    assert by_type(status)["Ready"]["status"] == "True", status


@pytest.mark.parametrize(
    ("acked", "topics", "pods", "type_", "status"),
    [
        (None, TOPICS, PODS, "ConfigMapUpdated", "Unknown"),
        (Acked(0), TOPICS, PODS, "ConfigMapUpdated", "Unknown"),
        (Acked(1, PENDING), TOPICS, PODS, "ProbeSucceeded", "Unknown"),
        (Acked(1, "no"), TOPICS, PODS, "ProbeSucceeded", "False"),
        (FINE, None, PODS, "TopicReady", "Unknown"),
        (FINE, Acked(1), PODS, "TopicReady", "Unknown"),
        (FINE, Acked(2, "no"), PODS, "TopicReady", "False"),
        (FINE, TOPICS, (pod("kafka-controller"),), "DataPlaneAvailable", "False"),
        (FINE, TOPICS, (pod("kafka-sink-receiver"),), "TopicReady", "Unknown"),
    ],
)
def test_a_sink_is_not_ready_before_its_parts_are(
    acked: Acked | None, topics: Acked | None, pods: tuple[Any, ...], type_: str, status: str
) -> None:
    found = by_type(reconciled(SINK, *pods, acked=acked, topics=topics))
    assert found[type_]["status"] == status
    assert found["Ready"]["status"] != "True"


def test_a_sink_has_no_address_before_its_receiver_took_it() -> None:
    assert "address" not in reconciled(SINK, *PODS, acked=None, topics=TOPICS)
    url = "http://kafka-sink-ingress.knative-eventing.svc.cluster.local/n/s"
    assert reconciled(SINK, *PODS, acked=FINE, topics=TOPICS)["address"]["url"] == url


def test_a_trigger_of_another_class_is_not_this_rooms() -> None:
    snapshot = stored(*WORLD)
    (trigger,) = [c for c in controllers(lambda *_: FINE) if c.name == "kafka-trigger"]
    assert trigger.observe(snapshot, Ref("Trigger.eventing.knative.dev", "n", "t")) is not None
    assert trigger.observe(snapshot, Ref("Trigger.eventing.knative.dev", "n", "f")) is None


def test_a_subscriber_is_ready_when_its_group_consumes() -> None:
    (row,) = reconciled(CHANNEL, *WORLD[7:], *PODS, acked=FINE, topics=TOPICS)["subscribers"]
    assert row == {"uid": "sub", "observedGeneration": 0, "ready": "True"}
    (row,) = reconciled(CHANNEL, *WORLD[7:], *PODS, acked=Acked(1, "down"), topics=TOPICS)["subscribers"]
    assert (row["ready"], "down" in row["message"]) == ("False", True)


@pytest.mark.parametrize(
    ("topics", "again"), [(None, True), (Acked(2), True), (Acked(3, "no"), True), (Acked(3), False)]
)
def test_an_object_goes_when_its_topic_is_gone(topics: Acked | None, again: bool) -> None:
    deleted = {**SINK, "metadata": {**SINK["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    (sink,) = [c for c in controllers(lambda *_: topics) if c.name == "kafka-sink"]
    world = sink.observe(stored(deleted, *PODS), ref_of(deleted))
    assert world is not None
    assert sink.finalize is not None
    assert (sink.finalize(world, 0.0).retry_after is not None) == again
    alone = sink.observe(stored(deleted), ref_of(deleted))
    assert alone is not None
    assert sink.finalize(alone, 0.0).retry_after is None  # nobody could delete the topic


def entry(host: str, port: int, exported: str = ".", namespace: str = SYSTEM) -> dict[str, Any]:
    spec = {"hosts": [host], "exportTo": [exported], "ports": [{"number": port}]}
    return obj("networking.istio.io/v1", "ServiceEntry", "e", spec, namespace)


def mesh(policy: str) -> dict[str, Any]:
    traffic = {"trafficControl": {"outbound": {"policy": policy}}}
    return obj(
        "maistra.io/v2",
        "ServiceMeshControlPlane",
        "basic",
        {"proxy": {"networking": traffic}},
        "istio-system",
    )


HOST = "my-cluster-kafka-bootstrap.kafka"


@pytest.mark.parametrize(
    ("inject", "policy", "entries", "said"),
    [
        (True, "REGISTRY_ONLY", (), True),
        (True, "ALLOW_ANY", (), False),
        (False, "REGISTRY_ONLY", (), False),
        (True, "REGISTRY_ONLY", (entry(HOST, 9092),), False),
        (True, "REGISTRY_ONLY", (entry(f"{HOST}.svc.cluster.local", 9092),), False),
        (True, "REGISTRY_ONLY", (entry("*.kafka.svc.cluster.local", 9092),), False),
        (True, "REGISTRY_ONLY", (entry(HOST, 9093),), True),
        (True, "REGISTRY_ONLY", (entry("elsewhere.kafka", 9092),), True),
        (True, "REGISTRY_ONLY", (entry(HOST, 9092, ".", "default"),), True),
        (True, "REGISTRY_ONLY", (entry(HOST, 9092, "*", "default"),), False),
    ],
)
def test_the_mesh_is_named_when_it_keeps_a_component_from_kafka(
    inject: bool, policy: str, entries: tuple[Any, ...], said: bool
) -> None:
    snapshot = stored(pod("kafka-controller", inject=inject), mesh(policy), *entries)
    assert bool(hint(SERVERS, "kafka-controller", snapshot)) == said


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        (kafka_sink, {"bootstrapServers": ["b"]}, "spec.topic"),
        (kafka_sink, {"topic": "t"}, "spec.bootstrapServers"),
        (kafka_sink, {"topic": "t", "bootstrapServers": ["b"], "numPartitions": 1}, "spec.replicationFactor"),
        (kafka_sink, {"topic": "t", "bootstrapServers": ["b"], "contentMode": "x"}, "spec.contentMode"),
        (kafka_source, {"topics": ["t"], "bootstrapServers": ["b"]}, "spec.sink"),
        (kafka_source, {"bootstrapServers": ["b"], "sink": TO}, "spec.topics"),
        (kafka_source, {**SOURCE["spec"], "initialOffset": "middle"}, "spec.initialOffset"),
        (kafka_source, {**SOURCE["spec"], "consumers": -1}, "spec.consumers"),
        (kafka_channel, {"numPartitions": -1}, "spec.numPartitions"),
        (kafka_channel, {"retentionDuration": "a week"}, "spec.retentionDuration"),
    ],
)
def test_wrong_objects_name_the_field(kind: Any, spec: Any, path: str) -> None:
    row = kind.KIND
    errors = list(row.validate(row.parse({"metadata": {"name": "n", "namespace": "n"}, "spec": spec})))
    assert path in {e.path for e in errors}, errors


def test_defaults_are_upstreams() -> None:
    channel = kafka_channel.default({"metadata": {"name": "c"}})
    assert channel["spec"] == {"numPartitions": 1, "replicationFactor": 1, "retentionDuration": "PT168H"}
    source = kafka_source.default({"metadata": {"name": "k", "namespace": "n"}, "spec": {}})
    assert source["spec"] == {"consumers": 1, "initialOffset": "latest", "ordering": "ordered"}
    assert contract.SOURCE_DELIVERY["retry"] == 10
