"""KafkaSink and KafkaSource against a real Apache Kafka in the cluster; pods without sidecars.

One machine carries all of it: sender, receiver, Kafka, dispatcher and subscriber.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from bench.eventing import CLIENTS, EVENTS, ROUNDS, pod, told
from bench.model import Bench, Figure, percentile
from bench.stage import fresh
from hauberk.testing.cluster import Cluster, eventually, hauberk

SERVERS = "my-cluster-kafka-bootstrap.kafka:9092"
INSTALL = """
apiVersion: v1
kind: Namespace
metadata: {name: knative-eventing}
---
apiVersion: operator.knative.dev/v1beta1
kind: KnativeEventing
metadata: {name: knative-eventing, namespace: knative-eventing}
---
apiVersion: operator.serverless.openshift.io/v1alpha1
kind: KnativeKafka
metadata: {name: knative-kafka, namespace: knative-eventing}
spec: {source: {enabled: true}, sink: {enabled: true}}
---
apiVersion: v1
kind: Service
metadata: {name: sink, namespace: default}
spec:
  selector: {app: sink}
  ports: [{name: http, port: 80, targetPort: 8080}]
"""
KAFKA_SINK = f"""
apiVersion: eventing.knative.dev/v1alpha1
kind: KafkaSink
metadata: {{name: NAME, namespace: default}}
spec: {{topic: NAME, numPartitions: 10, replicationFactor: 1, bootstrapServers: ["{SERVERS}"]}}
"""
KAFKA_SOURCE = f"""
apiVersion: sources.knative.dev/v1
kind: KafkaSource
metadata: {{name: NAME, namespace: default}}
spec:
  topics: [NAME]
  initialOffset: earliest
  bootstrapServers: ["{SERVERS}"]
  sink: {{ref: {{apiVersion: v1, kind: Service, name: sink}}}}
"""
URL = "http://kafka-sink-ingress.knative-eventing.svc.cluster.local/default/NAME"


def kafka() -> Sequence[Figure]:
    """Into topics and out of them."""
    with fresh() as cluster:
        up = hauberk("up", "--name", cluster.name, "--ephemeral", "--kafka", timeout_s=900)
        assert up.returncode == 0, up.stderr
        cluster.apply(INSTALL)
        cluster.apply(pod("sink", "/bench/event_sink.py"))
        ready = ("wait", "--for=condition=Ready", "-n", "knative-eventing", "knativekafka/knative-kafka")
        cluster.must(*ready, "--timeout=60s")
        cluster.must("wait", "--for=condition=Ready", "-n", "default", "pod/sink", "--timeout=60s")
        rounds = [_round(cluster, f"round-{number}") for number in range(ROUNDS)]
    return [
        _figure("KafkaSink, 1 kB, acknowledged by Kafka", [r[0] for r in rounds], f"{CLIENTS} clients"),
        _figure(
            "KafkaSource → subscriber, 1 kB, ordered, 10 partitions", [r[1] for r in rounds], "a full topic"
        ),
    ]


def _round(cluster: Cluster, name: str) -> tuple[float, float]:
    """Events a second into a fresh topic, and out of it again."""
    cluster.apply(KAFKA_SINK.replace("NAME", name))
    cluster.must("wait", "--for=condition=Ready", f"kafkasink/{name}", "-n", "default", "--timeout=30s")
    cluster.must("delete", "pod", "source", "-n", "default", "--ignore-not-found")
    url = URL.replace("NAME", name)
    cluster.apply(pod("source", "/bench/event_sender.py", url, str(EVENTS), str(CLIENTS), "0"))
    logs = ("logs", "source", "-n", "default", "-c", "user")
    eventually(lambda: bool(cluster.run(*logs).out.strip()), within_s=120)
    said = json.loads(cluster.must(*logs))
    assert said["answers"] == {"202": EVENTS}, said
    told(cluster)
    cluster.apply(KAFKA_SOURCE.replace("NAME", name))
    cluster.must("wait", "--for=condition=Ready", f"kafkasource/{name}", "-n", "default", "--timeout=30s")
    time.sleep(EVENTS / 1000)  # more than long enough; the subscriber takes the time
    found = told(cluster)
    assert found["different"] >= EVENTS, found
    cluster.must("delete", f"kafkasource/{name}", "-n", "default")
    return EVENTS / said["seconds"], found["deliveries"] / found["seconds"]


def _figure(what: str, speeds: Sequence[float], how: str) -> Figure:
    middle = percentile(speeds, 0.5)
    return Figure(
        what=what,
        measured=f"{middle:,.0f} events/s ({min(speeds):,.0f} to {max(speeds):,.0f})",
        must="≥ 5,000 events/s",
        reached=middle >= 5000,
        value=middle,
        less_is_better=False,
        method=f"{ROUNDS} rounds of {EVENTS:,} events, {how}, median; pods without sidecars; Kafka and "
        "all else on this machine",
    )


BENCHES: tuple[Bench, ...] = (Bench(name="kafka", run=kafka),)
