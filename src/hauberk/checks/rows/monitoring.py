"""HBK18xx: metrics and network policies: the rows."""

from __future__ import annotations

from hauberk.checks.judges import monitoring as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1801",
        title="The metrics setting has the name of another version",
        severity=Severity.WARNING,
        wanted="the key of the installed version",
        fix="rename the key in `spec.config.observability`",
        why=(
            "Serverless 1.38 (Knative 1.19) replaced `metrics.backend-destination` by "
            "`metrics-protocol` and ignores the old key; older versions ignore the new one."
        ),
        judge=judge.wrong_key,
        source="serverless-operator openshift-knative-operator/pkg/monitoring/helpers.go",
    ),
    Check(
        code="HBK1802",
        title="Metrics are waited for and not exported",
        severity=Severity.WARNING,
        wanted="`metrics.backend-destination: prometheus`",
        fix="set it in `spec.config.observability`",
        why="With Istio the operator turns metrics off unless the setting says otherwise.",
        judge=judge.no_backend,
        source="serverless-operator openshift-knative-operator/pkg/serving/extension.go",
    ),
    Check(
        code="HBK1803",
        title="A network policy names the monitoring by a label it does not have",
        severity=Severity.WARNING,
        wanted="`kubernetes.io/metadata.name: openshift-monitoring`",
        fix="correct the namespaceSelector",
        why=(
            "The document selects `name: openshift-monitoring`, a label that namespaces do not have "
            "by themselves. The scraper is denied."
        ),
        judge=judge.monitoring_label,
        source="serverless-operator openshift-knative-operator/pkg/serving/ingress.go",
    ),
    Check(
        code="HBK1804",
        title="Nobody decides who makes the network policies",
        severity=Severity.ERROR,
        wanted='annotation `serverless.openshift.io/disable-istio-net-policies-generation: "true"`',
        fix="add the annotation",
        why=(
            "With `manageNetworkPolicy: false` the document demands it: the operator's policies would"
            " otherwise be the only ones, and isolate pods from what they do not name, so that events"
            " are not delivered."
        ),
        judge=judge.policies_missing,
    ),
    Check(
        code="HBK1805",
        title="The operator's network policies are off, the mesh's on",
        severity=Severity.WARNING,
        wanted="the annotation together with `manageNetworkPolicy: false`",
        fix="set `spec.security.manageNetworkPolicy: false`, or remove the annotation",
        why=(
            "The mesh's policies admit members only. Without the operator's, the API server does not "
            "reach the webhooks and the monitoring no metrics."
        ),
        judge=judge.policies_off,
    ),
    Check(
        code="HBK1806",
        title="Network policies keep the API server from a webhook",
        severity=Severity.ERROR,
        wanted="a policy that admits all to the webhook's pods",
        fix="add a NetworkPolicy for `app: webhook` with an empty ingress rule",
        why="Every write of a Knative object fails: `failed calling webhook`.",
        judge=judge.webhook_closed,
    ),
    Check(
        code="HBK1807",
        title="Network policies keep Serving from a service",
        severity=Severity.ERROR,
        wanted="a rule for namespace knative-serving",
        fix="add allow-from-serving-system-namespace",
        why=(
            "Activator and autoscaler do not reach the pods; the service is unreachable once its "
            "namespace is in the mesh."
        ),
        judge=judge.member_closed,
        source="openshift-knative/serverless-operator#286",
    ),
)
