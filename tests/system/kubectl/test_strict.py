"""The document's defects: a strict cluster refuses them as a real one does, a lenient one names the fix."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from hauberk.testing.cluster import Cluster, hauberk, started

pytestmark = pytest.mark.system

REPEATED_PORT_NAMES = """
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: {name: kafka-cluster, namespace: defects}
spec:
  hosts: [my-cluster-kafka-bootstrap.kafka]
  exportTo: ["."]
  ports:
  - {number: 9092, name: tcp-plain, protocol: TCP}
  - {number: 9093, name: tcp-tls, protocol: TCP}
  - {number: 9094, name: tcp-sasl-tls, protocol: TCP}
  - {number: 9095, name: tcp-sasl-tls, protocol: TCP}
  - {number: 9096, name: tcp-tls, protocol: TCP}
  location: MESH_EXTERNAL
  resolution: NONE
"""
SINK_UNDER_BROKER = """
apiVersion: operator.serverless.openshift.io/v1alpha1
kind: KnativeKafka
metadata: {name: knative-kafka, namespace: defects}
spec:
  broker:
    enabled: true
    defaultConfig: {bootstrapServers: "b:9092", numPartitions: 1, replicationFactor: 1}
    sink: {enabled: true}
"""
PLACEHOLDER_LEFT = """
apiVersion: operator.serverless.openshift.io/v1alpha1
kind: KnativeKafka
metadata: {name: knative-kafka, namespace: defects}
spec:
  channel: {enabled: true, bootstrapServers: <bootstrap_servers>}
"""
UNKNOWN_FIELD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: unknown, namespace: defects}
dat: {a: b}
"""

DEFECTS = [
    pytest.param(
        REPEATED_PORT_NAMES,
        'spec.ports[3].name: service entry port name "tcp-sasl-tls" already defined',
        'use "tcp-sasl-tls-9095"',
        id="D2-repeated-port-names",
    ),
    pytest.param(
        SINK_UNDER_BROKER, "spec.broker.sink: unknown field", "`spec.sink.enabled: true`", id="D3-sink"
    ),
    pytest.param(
        PLACEHOLDER_LEFT,
        "spec.channel.bootstrapServers: the placeholder <bootstrap_servers> was left in",
        "write the real value",
        id="D9-placeholder",
    ),
    pytest.param(UNKNOWN_FIELD, 'unknown field "dat"', "", id="unknown-field"),
]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    name = f"strict-{secrets.token_hex(3)}"
    try:
        found = started(name, tmp_path_factory.mktemp("strict"), "--ephemeral", "--strict")
        found.must("create", "namespace", "defects")
        yield found
    finally:
        hauberk("down", "--name", name)


@pytest.mark.parametrize(("manifest", "defect", "fix"), DEFECTS)
def test_a_strict_cluster_refuses_a_defect_and_stores_nothing(
    strict: Cluster, manifest: str, defect: str, fix: str
) -> None:
    refused = strict.run("apply", "-f", "-", text=manifest)
    assert refused.code == 1
    assert defect in refused.err
    assert fix in refused.err
    assert strict.run("get", "-f", "-", text=manifest).code == 1


@pytest.mark.parametrize(("manifest", "defect", "fix"), DEFECTS)
def test_a_lenient_cluster_warns_of_the_defect_and_its_fix(
    document: Cluster, manifest: str, defect: str, fix: str
) -> None:
    document.run("create", "namespace", "defects")
    told = document.run("apply", "-f", "-", text=manifest)
    document.must("delete", "-f", "-", text=manifest)
    assert told.ok, told.err
    assert all(text in told.err for text in ("Warning: ", defect, fix))


def test_a_strict_cluster_takes_unknown_fields_that_the_client_does_not_validate(strict: Cluster) -> None:
    ran = strict.run("apply", "--validate=false", "-f", "-", text=UNKNOWN_FIELD)
    assert ran.ok, ran.err
    strict.must("delete", "configmap", "unknown", "-n", "defects")
