"""HBK160x: KnativeEventing in the mesh: the rows."""

from __future__ import annotations

from hauberk.checks.judges import eventing as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1601",
        title="Eventing does not tell the mesh about its channels",
        severity=Severity.ERROR,
        wanted="`spec.config.features.istio: enabled`",
        fix="set `spec.config.features.istio: enabled`",
        why=(
            "The setting starts a controller that makes a DestinationRule for every channel's "
            "Service. Those are ExternalNames, for which Istio has no mTLS setting, so delivery fails"
            " in a strict mesh."
        ),
        judge=judge.istio_off,
        source="knative/eventing#6596",
    ),
    Check(
        code="HBK1602",
        title="A workload of Eventing has no sidecar",
        severity=Severity.ERROR,
        wanted='label `sidecar.istio.io/inject: "true"`',
        fix="add the label to the workload in `spec.workloads`",
        why=(
            "It sends or receives events without a client certificate; strict services refuse it, and"
            " events are lost or retried for ever."
        ),
        judge=judge.sidecars,
    ),
    Check(
        code="HBK1603",
        title="Probes of a workload of Eventing do not pass its sidecar",
        severity=Severity.ERROR,
        wanted='annotation `sidecar.istio.io/rewriteAppHTTPProbers: "true"`',
        fix="add the annotation to the workload in `spec.workloads`",
        why="The kubelet's probe meets strict mTLS: the pod is never Ready.",
        judge=judge.probes,
    ),
    Check(
        code="HBK1604",
        title="JobSinks are used, and `job-sink` has no sidecar",
        severity=Severity.ERROR,
        wanted='`job-sink` in `spec.workloads` with label `sidecar.istio.io/inject: "true"`',
        fix="add the workload `job-sink`",
        why=(
            "Newer versions of the document name this workload, too; without a sidecar in-mesh "
            "senders cannot reach it."
        ),
        judge=judge.job_sink,
    ),
    Check(
        code="HBK1605",
        title="A channel's Service has no DestinationRule",
        severity=Severity.ERROR,
        wanted="a DestinationRule with ISTIO_MUTUAL for the Service",
        fix="set `spec.config.features.istio: enabled` and look at the pod `eventing-istio-controller`",
        why="Senders in the mesh do not know to speak mTLS to it.",
        needs=("DestinationRule.networking.istio.io",),
        judge=judge.no_rule,
        source="knative/eventing#6596",
    ),
    Check(
        code="HBK1606",
        title="A channel's ExternalName Service has no port",
        severity=Severity.ERROR,
        wanted="the port `http` 80",
        fix="delete the Service, so that the controller makes it again",
        why="Istio ignores an ExternalName without ports, so no rule applies to it.",
        judge=judge.portless,
        source="knative/eventing#6283",
    ),
    Check(
        code="HBK1607",
        title="An EventTransform is in the mesh",
        severity=Severity.ERROR,
        wanted="no EventTransform",
        fix="transform in a Knative service instead",
        why=("Its pods cannot be labelled, so they get no sidecar and nobody in the mesh can reach them."),
        judge=judge.transform,
        source="serverless-docs release notes 1.37, known issues",
    ),
    Check(
        code="HBK1608",
        title="A broker uses a namespace's own Kafka data plane",
        severity=Severity.WARNING,
        wanted="class `Kafka`",
        fix="create the Broker again with class `Kafka`",
        why=(
            "KafkaNamespaced is deprecated since Serverless 1.31, and its pods are not described in "
            "KnativeKafka."
        ),
        judge=judge.namespaced,
    ),
    Check(
        code="HBK1609",
        title="A broker, channel or sink fails its probe",
        severity=Severity.ERROR,
        wanted="Ready",
        fix="put `kafka-controller` (and the receiver) into the mesh",
        why=(
            "The controller probes the receivers; without a certificate it gets 502 or a reset, and "
            "the object stays NotReady."
        ),
        judge=judge.not_probed,
        source="knative-extensions/eventing-kafka-broker#2107",
    ),
    Check(
        code="HBK1610",
        title="A source sends to a name that does not exist",
        severity=Severity.WARNING,
        wanted="the name of a sink in the namespace",
        fix="correct `spec.sink.ref.name`",
        why=(
            "The source stays NotReady. The document's ContainerSource names event-display-service "
            "where the service is event-display."
        ),
        judge=judge.no_sink,
    ),
    Check(
        code="HBK1611",
        title="A job's sidecar does not let it end",
        severity=Severity.WARNING,
        wanted="no sidecar, or a native one",
        fix='label the pods `sidecar.istio.io/inject: "false"`, or call /quitquitquit at the end',
        why="The job's container ends and the proxy stays, so the Job never completes.",
        judge=judge.endless_jobs,
        source="istio/istio#11659",
    ),
)
