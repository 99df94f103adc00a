"""HBK163x: Kafka for Knative in the mesh: the rows."""

from __future__ import annotations

from hauberk.checks.judges import kafka as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1630",
        title="KnativeKafka has a field in the wrong place",
        severity=Severity.ERROR,
        wanted="the fields of the CRD",
        fix="move it",
        why=(
            "The API drops fields that the CRD does not have, without a word: the document's `sink` "
            "below `broker` leaves KafkaSink off."
        ),
        judge=judge.unknown_fields,
        source="serverless-operator operator_v1alpha1_knativekafka_crd.yaml",
    ),
    Check(
        code="HBK1631",
        title="A part of Kafka has no bootstrap servers",
        severity=Severity.ERROR,
        wanted="host:port, separated by commas",
        fix="set it to the Kafka cluster's bootstrap Service",
        why="Nothing can connect to Kafka.",
        judge=judge.no_servers,
    ),
    Check(
        code="HBK1632",
        title="Topics have no number of partitions or replicas",
        severity=Severity.WARNING,
        wanted="a positive number",
        fix="set `numPartitions` and `replicationFactor`",
        why=(
            "The operator falls back to 10 partitions and 3 replicas; a Kafka with fewer brokers "
            "refuses the topics, and brokers stay NotReady."
        ),
        judge=judge.topic_defaults,
    ),
    Check(
        code="HBK1633",
        title="A workload of Kafka has no sidecar",
        severity=Severity.ERROR,
        wanted='label `sidecar.istio.io/inject: "true"`',
        fix="add the label to the workload in `spec.workloads`",
        why="It cannot talk to strict services, and kafka-controller cannot probe the receivers.",
        judge=judge.sidecars,
        source="knative-extensions/eventing-kafka-broker#2107",
    ),
    Check(
        code="HBK1634",
        title="Probes of a workload of Kafka do not pass its sidecar",
        severity=Severity.ERROR,
        wanted='annotation `sidecar.istio.io/rewriteAppHTTPProbers: "true"`',
        fix="add the annotation to the workload in `spec.workloads`",
        why="The kubelet's probe meets strict mTLS: the pod is never Ready.",
        judge=judge.probes,
    ),
    Check(
        code="HBK1635",
        title="A workload of Kafka is described whose part is off",
        severity=Severity.WARNING,
        wanted="the part enabled",
        fix="enable the part, or remove the workload",
        why="The part's kind exists, its objects never become Ready.",
        judge=judge.idle_overrides,
    ),
    Check(
        code="HBK1636",
        title="The mesh does not know the Kafka cluster",
        severity=Severity.ERROR,
        wanted="a ServiceEntry for the bootstrap hosts",
        fix="create the ServiceEntry `kafka-cluster` in knative-eventing",
        why=(
            "Sidecars do not know that the bootstrap servers speak TCP, and with outbound policy "
            "REGISTRY_ONLY drop the connection: `run out of available brokers`."
        ),
        judge=judge.no_entry,
        source="knative/eventing-contrib#1326",
    ),
    Check(
        code="HBK1637",
        title="The ServiceEntry lacks the bootstrap servers' port",
        severity=Severity.ERROR,
        wanted="the port of the bootstrap servers",
        fix="add the port",
        why="Connections to a port that the entry does not have are treated as HTTP or dropped.",
        judge=judge.entry_port,
    ),
    Check(
        code="HBK1638",
        title="A host of a ServiceEntry has a port",
        severity=Severity.ERROR,
        wanted="a host name only",
        fix="remove `:PORT`; ports stand in `spec.ports`",
        why="Istio refuses it: not a domain name.",
        judge=judge.entry_host,
    ),
    Check(
        code="HBK1639",
        title="A ServiceEntry uses a port name twice",
        severity=Severity.ERROR,
        wanted="unique names",
        fix="number them: tcp-tls-1, tcp-tls-2",
        why=(
            "Istio's validation refuses it: `service entry port name already defined`. The document's"
            " own entry does so."
        ),
        judge=judge.port_names,
        source="istio/istio pkg/config/validation/validation.go",
    ),
    Check(
        code="HBK1640",
        title="A port of Kafka is not TCP",
        severity=Severity.ERROR,
        wanted="TCP",
        fix="set `protocol: TCP`",
        why="Kafka's protocol is not HTTP; as HTTP the proxy answers 400 and closes.",
        judge=judge.protocol,
    ),
    Check(
        code="HBK1641",
        title="Kafka is declared inside of the mesh",
        severity=Severity.ERROR,
        wanted="MESH_EXTERNAL",
        fix="set `location: MESH_EXTERNAL`",
        why="For MESH_INTERNAL the sidecar speaks mTLS to the brokers, which have no sidecar.",
        judge=judge.location,
    ),
    Check(
        code="HBK1642",
        title="Kafka's addresses are resolved by the proxy",
        severity=Severity.WARNING,
        wanted="NONE",
        fix="set `resolution: NONE`",
        why=(
            "Clients connect to each broker by the address that Kafka told them; with DNS or STATIC "
            "every connection goes to an address of the entry instead."
        ),
        judge=judge.resolution,
    ),
    Check(
        code="HBK1643",
        title="Kafka's ServiceEntry is exported to other namespaces",
        severity=Severity.WARNING,
        wanted='`exportTo: ["."]`',
        fix='set `exportTo: ["."]`',
        why=(
            "An exported entry changes traffic of every namespace on these ports; the "
            "document keeps it to knative-eventing."
        ),
        judge=judge.exported,
        source="istio/istio#20703",
    ),
    Check(
        code="HBK1644",
        title="Two ServiceEntries of a namespace have the same host",
        severity=Severity.WARNING,
        wanted="one entry per host",
        fix="merge them",
        why="Istio merges them in undefined ways; connections to some ports go nowhere.",
        judge=judge.same_host,
        source="istio/istio#31483",
    ),
    Check(
        code="HBK1645",
        title="A KafkaSource's servers are not known where it runs",
        severity=Severity.WARNING,
        wanted="a ServiceEntry for them in knative-eventing",
        fix="create the ServiceEntry in knative-eventing",
        why=(
            "The dispatcher of all sources runs in knative-eventing; an entry that another namespace "
            "keeps to itself does not help it."
        ),
        judge=judge.clients,
    ),
    Check(
        code="HBK1646",
        title="The Kafka cluster's own namespace is in the mesh",
        severity=Severity.WARNING,
        wanted="Kafka outside of the mesh",
        fix="remove its namespace from the member roll",
        why=(
            "Brokers find each other by pod addresses of headless Services, which strict mTLS breaks, and "
            "the ServiceEntry declares them as outside of the mesh."
        ),
        judge=judge.in_mesh,
        source="istio/istio#26791",
    ),
)
