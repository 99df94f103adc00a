"""HBK152x: Knative services in the mesh: the rows."""

from __future__ import annotations

from hauberk.checks.judges import services as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1521",
        title="A Knative service has no sidecar",
        severity=Severity.ERROR,
        wanted='`sidecar.istio.io/inject: "true"` on the pods',
        fix="add it to `spec.template.metadata.labels`",
        why="The gateway and the activator speak mTLS to the pods; without a sidecar nobody answers it.",
        judge=judge.sidecar,
    ),
    Check(
        code="HBK1522",
        title="Injection is asked for by annotation",
        severity=Severity.INFO,
        wanted="a label",
        fix="move it from `annotations` to `labels` of the template",
        why=(
            "Service Mesh 2 reads both, which is why the document's service works. Istio has "
            "deprecated the annotation, and upstream's webhook reads the label only."
        ),
        judge=judge.annotation_only,
    ),
    Check(
        code="HBK1523",
        title="Injection is asked for where nobody reads it",
        severity=Severity.ERROR,
        wanted="a label on the pods, or on the namespace",
        fix="move it from `annotations` to `labels` of the template",
        why=(
            "Upstream Istio's webhook is called for pods with the label or in labelled namespaces. "
            "The annotation alone injects nothing."
        ),
        judge=judge.unseen_annotation,
        source="istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml",
    ),
    Check(
        code="HBK1524",
        title="Probes of a Knative service do not pass its sidecar",
        severity=Severity.ERROR,
        wanted='annotation `sidecar.istio.io/rewriteAppHTTPProbers: "true"`',
        fix="add it to `spec.template.metadata.annotations`",
        why="The kubelet's HTTP probe meets strict mTLS: the pod is never Ready.",
        judge=judge.probes,
    ),
    Check(
        code="HBK1525",
        title="A service's Route ends TLS at the router",
        severity=Severity.WARNING,
        wanted='annotation `serving.knative.openshift.io/enablePassthrough: "true"` on the service',
        fix="add the annotation to `metadata.annotations`",
        why=(
            "Without passthrough the router shows its own certificate and speaks plain HTTP to the "
            "gateway's port 80, where this integration has no server."
        ),
        judge=judge.no_passthrough,
    ),
    Check(
        code="HBK1526",
        title="An annotation acts by its presence, not by its value",
        severity=Severity.WARNING,
        wanted="`true`, or no annotation",
        fix="remove the annotation to turn it off",
        why=(
            "The operator tests only whether enablePassthrough and disableRoute are there: `false` "
            "turns them on, too."
        ),
        judge=judge.presence_trap,
        source="serverless-operator serving/ingress/pkg/reconciler/ingress/resources/route.go",
    ),
    Check(
        code="HBK1527",
        title="An annotation of the Route stands on the pods",
        severity=Severity.WARNING,
        wanted="`metadata.annotations` of the service",
        fix="move it up",
        why="Routes are made from the service's own metadata; on the template it does nothing.",
        judge=judge.wrong_place,
    ),
    Check(
        code="HBK1528",
        title="Requests may take longer than the Route waits",
        severity=Severity.WARNING,
        wanted="no more than the Route's timeout",
        fix="set the annotation `serving.knative.openshift.io/setRouteTimeout`, in seconds",
        why="The router cuts the connection first, with 504.",
        judge=judge.long_requests,
        source="knative/serving#12564",
    ),
    Check(
        code="HBK1529",
        title="The request timeout is above what Serving allows",
        severity=Severity.ERROR,
        wanted="at most max-revision-timeout-seconds, 600 by default",
        fix="raise `spec.config.defaults.max-revision-timeout-seconds` of the KnativeServing",
        why="Serving's webhook refuses the revision.",
        judge=judge.too_long,
    ),
    Check(
        code="HBK1530",
        title="Streams are cut after five minutes without data",
        severity=Severity.WARNING,
        wanted="an EnvoyFilter with `stream_idle_timeout: 0s` where requests may take longer",
        fix="create the EnvoyFilter of upstream's tests in the gateway's namespace",
        why=(
            "Envoy ends a stream without data after 300 s. gRPC streams and WebSockets of services with a "
            "longer timeout are reset in the middle."
        ),
        judge=judge.idle_streams,
        source="serverless-operator hack/lib/mesh_v3_resources/08_envoy_filter.yaml",
    ),
)
