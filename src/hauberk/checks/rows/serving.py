"""HBK15xx: KnativeServing in the mesh: the rows."""

from __future__ import annotations

from hauberk.checks.judges import serving as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1501",
        title="KnativeServing does not use Istio",
        severity=Severity.ERROR,
        wanted="`spec.ingress.istio.enabled: true`",
        fix="set `spec.ingress.istio.enabled: true`",
        why=(
            "Kourier is the default ingress. It is outside of the mesh, has no client certificate, "
            "and strict services refuse it."
        ),
        judge=judge.istio_off,
    ),
    Check(
        code="HBK1502",
        title="Kourier is enabled beside Istio",
        severity=Severity.ERROR,
        wanted="one ingress",
        fix="remove `spec.ingress.kourier`",
        why=(
            "With both, the operator chooses Kourier as the class: the Gateways of the mesh get no traffic."
        ),
        judge=judge.kourier_too,
        source="serverless-operator openshift-knative-operator/pkg/serving/ingress.go",
    ),
    Check(
        code="HBK1503",
        title="Another ingress class is the default",
        severity=Severity.ERROR,
        wanted="`istio.ingress.networking.knative.dev`, or nothing",
        fix="remove the key from `spec.config.network`",
        why="Services are programmed by the controller of their class; net-istio ignores those of another.",
        judge=judge.ingress_class,
    ),
    Check(
        code="HBK1504",
        title="A workload of Serving has no sidecar",
        severity=Severity.ERROR,
        wanted='label `sidecar.istio.io/inject: "true"`',
        fix="add the label to the workload in `spec.workloads`",
        why=(
            "The activator calls every pod and the autoscaler scrapes them. Without a sidecar they "
            "have no client certificate, and strict mTLS resets their connections: nothing scales "
            "from zero."
        ),
        judge=judge.sidecars,
    ),
    Check(
        code="HBK1505",
        title="Probes of a workload of Serving do not pass its sidecar",
        severity=Severity.ERROR,
        wanted='annotation `sidecar.istio.io/rewriteAppHTTPProbers: "true"`',
        fix="add the annotation to the workload in `spec.workloads`",
        why=(
            "The kubelet is outside of the mesh. Its HTTP probes meet strict mTLS, so the pod is "
            "never Ready and is restarted for ever."
        ),
        judge=judge.probes,
    ),
    Check(
        code="HBK1506",
        title="The mesh compatibility mode is off",
        severity=Severity.ERROR,
        wanted="`enabled`, `auto`, or nothing",
        fix="remove `spec.config.network.mesh-compatibility-mode`",
        why=(
            "When it is off, activator and autoscaler insist on pod IPs, which the mesh does not "
            "route: cold starts hang or answer 502."
        ),
        judge=judge.compatibility,
        source="knative/serving#11877",
    ),
    Check(
        code="HBK1507",
        title="A Route is left over in another gateway's namespace",
        severity=Severity.ERROR,
        wanted="Routes in the namespace of the gateway",
        fix="delete the stale Route",
        why=(
            "After a move of the gateway the old Route keeps the host, and the new one is refused: "
            "HostAlreadyClaimed."
        ),
        judge=judge.stale_routes,
        source="serverless-operator hack/migrate-mesh-routes.sh",
    ),
    Check(
        code="HBK1508",
        title="A Route's host is claimed by another",
        severity=Severity.ERROR,
        wanted="admitted",
        fix="delete the older Route with the same host, or change the domain",
        why="The router serves each host once, by the older Route.",
        judge=judge.claimed,
    ),
    Check(
        code="HBK1509",
        title="A pod of the mesh runs without sidecar",
        severity=Severity.ERROR,
        wanted="a container `istio-proxy`",
        fix="oc delete pod NAME, after the namespace is in the mesh",
        why=(
            "Pods that started before the namespace joined the mesh stay outside until they are "
            "replaced; strict services refuse them."
        ),
        needs=("Pod",),
        judge=judge.running_without,
    ),
    Check(
        code="HBK1510",
        title="The sidecar of a service gets little CPU",
        severity=Severity.WARNING,
        wanted="100m or more, or nothing",
        fix="raise the limit",
        why="A throttled proxy needs a minute to start: cold starts of 60 to 80 s.",
        judge=judge.slow_proxy,
        source="knative-extensions/net-istio#561",
    ),
)
