"""What the tests of Kafka share: the document's Kafka steps, a client and a sink in the mesh."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from eventroom import SINK

from hauberk.testing.cluster import Cluster, eventually, hauberk

NAMESPACE = "default"  # a member of the document's mesh
SYSTEM = "knative-eventing"
HOST = "my-cluster-kafka-bootstrap.kafka"
SERVERS = f"{HOST}:9092"
BROKER = "my-cluster-kafka-0"
LABEL = "test.hauberk.dev/kafka"
INJECT = {"sidecar.istio.io/inject": "true"}
MESSAGING, EVENTING = "messaging.knative.dev", "eventing.knative.dev"
WORKLOADS = (
    "kafka-controller", "kafka-broker-receiver", "kafka-broker-dispatcher", "kafka-channel-receiver",
    "kafka-channel-dispatcher", "kafka-source-dispatcher", "kafka-sink-receiver",
)  # fmt: skip
KINDS = "trigger,broker,subscription,kafkachannel,kafkasource,kafkasink,deploy,svc,pod,secret"

# Documents 06 and 07, verbatim but for the placeholders; `sink` stands where the document has it.
KNATIVE_KAFKA: dict[str, Any] = {
    "apiVersion": "operator.serverless.openshift.io/v1alpha1",
    "kind": "KnativeKafka",
    "metadata": {"name": "knative-kafka", "namespace": SYSTEM},
    "spec": {
        "channel": {"enabled": True, "bootstrapServers": SERVERS},
        "source": {"enabled": True},
        "broker": {
            "enabled": True,
            "defaultConfig": {"bootstrapServers": SERVERS, "numPartitions": 3, "replicationFactor": 1},
            "sink": {"enabled": True},
        },
        "workloads": [
            {
                "name": name,
                "labels": {"sidecar.istio.io/inject": "true"},
                "annotations": {"sidecar.istio.io/rewriteAppHTTPProbers": "true"},
            }
            for name in WORKLOADS
        ],
    },
}
_PORTS = (
    (9092, "tcp-plain"),
    (9093, "tcp-tls"),
    (9094, "tcp-sasl-tls"),
    (9095, "tcp-sasl"),
    (9096, "tcp-tls-2"),
)
SERVICE_ENTRY = {
    "apiVersion": "networking.istio.io/v1alpha3",
    "kind": "ServiceEntry",
    "metadata": {"name": "kafka-cluster", "namespace": SYSTEM},
    "spec": {
        "hosts": [HOST],
        "exportTo": ["."],
        "ports": [{"number": number, "name": name, "protocol": "TCP"} for number, name in _PORTS],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
    },
}
TOPICS = """
import asyncio, sys
from hauberk.dataplane.kafka import admin
from hauberk.dataplane.kafka.connection import Connection
async def main():
    async with admin.admin(Connection(sys.argv[1])) as client:
        if sys.argv[2] == "delete":
            await admin.delete(client, sys.argv[3])
        elif sys.argv[2] == "create":
            await admin.create(client, sys.argv[3], 2, 1, {})
        elif sys.argv[2] == "write":
            from aiokafka import AIOKafkaProducer
            async with AIOKafkaProducer(bootstrap_servers=sys.argv[1]) as producer:
                await producer.send_and_wait(sys.argv[3], b"plain", key=int(sys.argv[4]).to_bytes(4, "big"))
        print(*sorted(await admin.partitions_of(client)))
asyncio.run(main())
"""


@dataclass(frozen=True)
class KafkaRoom:
    """The document's cluster with Kafka, a client and a sink."""

    cluster: Cluster

    def make(self, api_version: str, kind: str, name: str, **parts: Any) -> None:
        """Create or change an object of the tests."""
        meta: dict[str, Any] = {"name": name, "namespace": NAMESPACE, **parts.pop("metadata", {})}
        meta["labels"] = {LABEL: "true", **meta.get("labels", {})}
        self.cluster.apply(json.dumps({"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}))

    def sink(self, name: str, topic: str, **spec: Any) -> None:
        """A KafkaSink whose topic is its own unless told otherwise."""
        own = {"numPartitions": 2, "replicationFactor": 1, "bootstrapServers": [SERVERS], **spec}
        wanted = {"topic": topic, **{k: v for k, v in own.items() if v is not None}}
        self.make(f"{EVENTING}/v1alpha1", "KafkaSink", name, spec=wanted)

    def source(
        self, name: str, topic: str, path: str, *, labels: Mapping[str, str] = {}, **spec: Any
    ) -> None:
        """A KafkaSource to the sink."""
        wanted = {"topics": [topic], "bootstrapServers": [SERVERS], "sink": target(path), **spec}
        self.make(
            "sources.knative.dev/v1", "KafkaSource", name, spec=wanted, metadata={"labels": dict(labels)}
        )

    def broker(self, name: str, **spec: Any) -> None:
        """A Broker of class Kafka."""
        config = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kafka-broker-config", "namespace": SYSTEM}
        notes = {"annotations": {"eventing.knative.dev/broker.class": "Kafka"}}
        self.make(f"{EVENTING}/v1", "Broker", name, spec={"config": config, **spec}, metadata=notes)

    def trigger(self, name: str, broker: str, subscriber: Any, **spec: Any) -> None:
        """A Trigger of a Kafka Broker."""
        self.make(
            f"{EVENTING}/v1", "Trigger", name, spec={"broker": broker, "subscriber": subscriber, **spec}
        )

    def ready(self, kind: str, name: str, status: str = "True", *, within_s: float = 30) -> Mapping[str, Any]:
        """Wait for Ready to be that; its condition."""
        row: Mapping[str, Any] = eventually(
            lambda: next(
                (c for c in self.conditions(kind, name) if c["type"] == "Ready" and c["status"] == status),
                None,
            ),
            within_s=within_s,
            what=f"{kind} {name} Ready {status}: {self.conditions(kind, name)}",
        )
        return row

    def conditions(self, kind: str, name: str) -> list[Mapping[str, Any]]:
        """The conditions as stored."""
        found = self.cluster.json(kind, name, "-n", NAMESPACE)
        return list((found.get("status") or {}).get("conditions") or ())

    def address(self, kind: str, name: str) -> str:
        """Where events are sent to."""
        return str(self.cluster.json(kind, name, "-n", NAMESPACE)["status"]["address"]["url"])

    def send(self, url: str, event: str, kind: str = "greeting", **attributes: str) -> str:
        """Send an event as a pod of the mesh; the HTTP status, `000` without an answer."""
        fields = {"id": event, "specversion": "1.0", "type": kind, "source": "test", **attributes}
        words = [word for k, v in fields.items() for word in ("-H", f"ce-{k}: {v}")]
        curl = ["curl", "-s", "-m", "8", "-o", "/dev/null", "-w", "%{http_code}", *words]
        ran = self.cluster.run(
            "exec", "kf-client", "-n", NAMESPACE, "-c", "c", "--",
            *curl, "-H", "content-type: text/plain", "-d", "hello", url,
        )  # fmt: skip
        return ran.out.strip()

    def got(self) -> list[str]:
        """What the sink says: `PATH ID TYPE …`, a line an event."""
        text = self.cluster.must("logs", "deploy/kf-sink", "-n", NAMESPACE, "-c", "c", "--tail=-1")
        return [line[4:].strip() for line in text.splitlines() if line.startswith("GOT ")]

    def until(self, *lines: str, within_s: float = 20) -> None:
        """Wait until the sink has got an event for each line."""
        eventually(
            lambda: all(any(g.startswith(line) for g in self.got()) for line in lines),
            within_s=within_s,
            what=f"{lines} in {self.got()}",
        )

    def rolled(self, name: str) -> None:
        """Wait until a component's pods are the newest ones, and the old are gone."""
        self.cluster.must("rollout", "status", f"deployment/{name}", "-n", SYSTEM, "--timeout=40s")
        eventually(
            lambda: len(self.cluster.json("pods", "-n", SYSTEM, "-l", f"app={name}")["items"]) == 1,
            within_s=40,
            what=f"one pod of {name}",
        )

    def stays_away(self, line: str, for_s: float = 2) -> None:
        """Nothing of the kind comes for so long."""
        time.sleep(for_s)
        assert not [got for got in self.got() if got.startswith(line)]

    def topics(self, *words: str) -> list[str]:
        """The cluster's topics, after `create NAME`, `delete NAME` or `write NAME KEY`: a plain record."""
        said = self.cluster.must(
            "exec", "deploy/kafka-controller", "-n", SYSTEM, "-c", "kafka-controller", "--",
            "python3", "-S", "-c", TOPICS, SERVERS, *(words or ("list",)),
        )  # fmt: skip
        return said.split()

    def clear(self) -> None:
        """Take everything of the tests away; topics go with their owners."""
        self.cluster.must("delete", KINDS, "-n", NAMESPACE, "-l", LABEL, "--wait=false")


def target(path: str = "/") -> dict[str, Any]:
    """The sink, at a path: `/` accepts, `/fail` answers 503, `/reply` with an event."""
    return {"ref": {"apiVersion": "v1", "kind": "Service", "name": "kf-sink"}, "uri": path}


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"kf-{name}-{secrets.token_hex(2)}"


def furnish(cluster: Cluster, folder: Path) -> KafkaRoom:
    """Apply the document's Kafka steps, start client and sink."""
    room = KafkaRoom(cluster)
    cluster.apply(yaml.safe_dump_all([KNATIVE_KAFKA, SERVICE_ENTRY]))
    (folder / "Procfile").write_text("web: python3 sink.py\n")
    (folder / "sink.py").write_text(SINK)
    added = hauberk("image", "add", "test/kf-sink", str(folder), "--name", cluster.name)
    assert added.returncode == 0, added.stderr
    container = {"name": "c", "image": "test/kf-sink", "ports": [{"containerPort": 8080}]}
    pod = {
        "metadata": {"labels": {"app": "kf-sink", **INJECT, LABEL: "true"}},
        "spec": {"containers": [container]},
    }
    selector = {"app": "kf-sink"}
    room.make(
        "apps/v1", "Deployment", "kf-sink", spec={"selector": {"matchLabels": selector}, "template": pod}
    )
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    room.make("v1", "Service", "kf-sink", spec={"selector": selector, "ports": ports})
    client = {"containers": [{"name": "c", "image": "hauberk.local/curl"}]}
    room.make("v1", "Pod", "kf-client", spec=client, metadata={"labels": INJECT})
    cluster.must("wait", "--for=condition=Ready", "pod", "-n", NAMESPACE, "-l", LABEL, "--timeout=40s")
    cluster.must("wait", "--for=condition=Ready", "knativekafka/knative-kafka", "-n", SYSTEM, "--timeout=60s")
    return room
