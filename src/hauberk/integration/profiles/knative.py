"""The operators' own objects: KnativeServing, KnativeEventing, KnativeKafka, and Kafka's ServiceEntry. Pure.

Source: the document's manifests 04–07 and 09–14, without their defects: `sink` stands at spec level, port
names are unique, the key of the metrics follows the version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json
from hauberk.integration.model import EVENTING, SERVING, Integration
from hauberk.integration.profiles.objects import at_least, in_mesh, make

OPERATOR = "operator.knative.dev/v1beta1"
NO_POLICIES = "serverless.openshift.io/disable-istio-net-policies-generation"
FILTER_ENV = "ENABLE_SECRET_INFORMER_FILTERING_BY_CERT_UID"
FILTER_DEFAULT_SINCE = "1.32"
JOB_SINK_SINCE = "1.35"
OTEL_SINCE = {"sm2": "1.38", "sm3": "1.38", "kubernetes": "1.19"}

EVENTING_WORKLOADS = ("pingsource-mt-adapter", "imc-dispatcher", "mt-broker-ingress", "mt-broker-filter")
KAFKA_WORKLOADS: tuple[tuple[str, str], ...] = (
    ("kafka-controller", ""),
    ("kafka-broker-receiver", "broker"),
    ("kafka-broker-dispatcher", "broker"),
    ("kafka-channel-receiver", "channel"),
    ("kafka-channel-dispatcher", "channel"),
    ("kafka-source-dispatcher", "source"),
    ("kafka-sink-receiver", "sink"),
)
"""A workload and the part of `kafka` that it belongs to; the controller serves all."""

KAFKA_PORTS = {
    9092: "tcp-plain",
    9093: "tcp-tls",
    9094: "tcp-sasl-tls",
    9095: "tcp-sasl-plain",
    9096: "tcp-tls-noauth",
}


def revision_labels(wanted: Integration) -> Mapping[str, str]:
    """What a pod's label needs beside `inject`: the control plane's revision when it is not `default`."""
    if wanted.profile == "sm2" or wanted.mesh_name == "default":
        return {}
    return {"istio.io/rev": wanted.mesh_name}


def _version(wanted: Integration) -> str:
    return wanted.versions.knative if wanted.profile == "kubernetes" else wanted.versions.serverless


def _observability(wanted: Integration) -> dict[str, str]:
    """Newer versions read `metrics-protocol` and ignore the document's key."""
    if at_least(_version(wanted), OTEL_SINCE[wanted.profile]):
        return {"metrics-protocol": "prometheus"}
    return {"metrics.backend-destination": "prometheus"}


def _annotations(wanted: Integration) -> dict[str, str]:
    if wanted.profile == "kubernetes" or wanted.operator_policies:
        return {}
    return {NO_POLICIES: "true"}


def gateway_config(wanted: Integration) -> dict[str, str]:
    """`config.istio`: which Services stand before the two Gateways."""
    where = f"{wanted.gateway_namespace}.svc.cluster.local"
    gateways = wanted.gateways
    return {
        f"gateway.{SERVING}.{gateways.ingress}": f"{wanted.gateway_service}.{where}",
        f"local-gateway.{SERVING}.{gateways.local}": f"{gateways.local}.{where}",
    }


def _filtering(wanted: Integration) -> list[Json]:
    """The environment of net-istio's controller where the operator's default is another one."""
    by_default = wanted.profile != "kubernetes" and at_least(wanted.versions.serverless, FILTER_DEFAULT_SINCE)
    if wanted.secret_filtering == by_default:
        return []
    value = "true" if wanted.secret_filtering else "false"
    env = {"container": "controller", "envVars": [{"name": FILTER_ENV, "value": value}]}
    return [{"name": "net-istio-controller", "env": [env]}]


def make_serving(
    wanted: Integration, *, config: Mapping[str, Json] | None = None, ingress: Json | None = None, **more: Any
) -> Json:
    """KnativeServing, its activator and autoscaler in the mesh. `config`, `ingress` add to the document's."""
    labels = revision_labels(wanted)
    spec: dict[str, Any] = {
        **more,
        "ingress": {"istio": {"enabled": True, **(ingress or {})}},
        "deployments": [in_mesh("activator", labels), in_mesh("autoscaler", labels)],
        "config": {"istio": gateway_config(wanted), **(config or {})},
    }
    if wanted.metrics.enabled:
        spec["config"]["observability"] = _observability(wanted)
    if filtering := _filtering(wanted):
        spec["workloads"] = filtering
    return make(OPERATOR, "KnativeServing", SERVING, SERVING, annotations=_annotations(wanted), spec=spec)


def make_eventing(wanted: Integration, *, config: Mapping[str, Json] | None = None, **more: Any) -> Json:
    """KnativeEventing, what carries events in the mesh."""
    workloads = list(EVENTING_WORKLOADS)
    if wanted.profile != "kubernetes" and at_least(wanted.versions.serverless, JOB_SINK_SINCE):
        workloads.append("job-sink")
    spec: dict[str, Any] = {
        **more,
        "config": {"features": {"istio": "enabled"}, **(config or {})},
        "workloads": [in_mesh(name, revision_labels(wanted)) for name in workloads],
    }
    if wanted.metrics.enabled:
        spec["config"]["observability"] = _observability(wanted)
    return make(OPERATOR, "KnativeEventing", EVENTING, EVENTING, annotations=_annotations(wanted), spec=spec)


def kafka_workloads(wanted: Integration) -> list[Json]:
    """The workloads of the Kafka parts that are on."""
    return [
        in_mesh(name, revision_labels(wanted))
        for name, part in KAFKA_WORKLOADS
        if not part or getattr(wanted.kafka, part)
    ]


def make_kafka(wanted: Integration) -> Json:
    """KnativeKafka; `sink` at spec level, where the operator reads it."""
    kafka, servers = wanted.kafka, ",".join(wanted.kafka.bootstrap_servers)
    spec: dict[str, Any] = {
        "channel": {"enabled": True, "bootstrapServers": servers} if kafka.channel else {"enabled": False},
        "source": {"enabled": kafka.source},
        "broker": {"enabled": kafka.broker},
        "sink": {"enabled": kafka.sink},
        "workloads": kafka_workloads(wanted),
    }
    if kafka.broker:
        spec["broker"]["defaultConfig"] = {
            "bootstrapServers": servers,
            "numPartitions": kafka.partitions,
            "replicationFactor": kafka.replication,
        }
    return make(
        "operator.serverless.openshift.io/v1alpha1", "KnativeKafka", "knative-kafka", EVENTING, spec=spec
    )


def make_kafka_entries(wanted: Integration, api: str) -> tuple[Json, ...]:
    """The ServiceEntry of the Kafka cluster, in every namespace that has clients of it.

    `exportTo: "."` keeps each to its namespace, so Eventing's alone would not do for projects.
    """
    servers = [server.rpartition(":") for server in wanted.kafka.bootstrap_servers]
    ports = {int(port): f"tcp-{port}" for _, _, port in servers} | KAFKA_PORTS
    spec = {
        "hosts": sorted({host for host, _, _ in servers}),
        "exportTo": ["."],
        "ports": [{"number": n, "name": ports[n], "protocol": "TCP"} for n in sorted(ports)],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
    }
    where = (EVENTING, *wanted.projects)
    return tuple(make(api, "ServiceEntry", "kafka-cluster", namespace, spec=spec) for namespace in where)
