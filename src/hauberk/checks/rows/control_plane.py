"""HBK13xx: the mesh control plane's settings: the rows."""

from __future__ import annotations

from hauberk.checks.judges import control_plane as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1301",
        title="mTLS is not strict",
        severity=Severity.ERROR,
        wanted="`true`",
        fix="set `spec.security.dataPlane.mtls: true`",
        why=(
            "The integration's promise is that every request needs a client certificate. Without "
            "strict mTLS plaintext is answered, and authorization by identity means nothing."
        ),
        judge=judge.not_strict,
    ),
    Check(
        code="HBK1302",
        title="A policy weakens strict mTLS",
        severity=Severity.WARNING,
        wanted="STRICT or UNSET; PERMISSIVE for port 8443 of webhooks only",
        fix="set the mode to STRICT, or delete the policy so that the mesh's holds",
        why=(
            "The narrower policy wins: port over workload over namespace over mesh. What it covers "
            "answers without a client certificate, and loses isolation between tenants."
        ),
        judge=judge.weakened,
    ),
    Check(
        code="HBK1303",
        title="Proxies end before Serverless has drained",
        severity=Severity.ERROR,
        wanted="more than 30 s; the document says 35s",
        fix="set `terminationDrainDuration: 35s`",
        why=(
            "A Knative pod drains for 30 s. A proxy that ends earlier (Istio's default is 5 s) cuts "
            "the requests that are still running: about 1 % of 502 at each scale-down."
        ),
        judge=judge.drain,
        source="knative/serving#11596",
    ),
    Check(
        code="HBK1304",
        title="Port 8022 goes through the sidecar",
        severity=Severity.ERROR,
        wanted="8022 among the excluded ports",
        fix="add 8022 to the excluded inbound ports",
        why=(
            "The kubelet calls wait-for-drain on 8022 before it stops a pod. It has no client "
            "certificate, so strict mTLS refuses it: the hook fails and running requests are lost "
            "."
        ),
        judge=judge.excluded_8022,
        source="serverless-operator authz chart, serving-allow-wait-for-drain.yaml",
    ),
    Check(
        code="HBK1305",
        title="Port 8444 goes through the sidecar",
        severity=Severity.ERROR,
        wanted="8444 among the excluded ports",
        fix="add 8444 to the excluded inbound ports",
        why=(
            "The cluster's monitoring scrapes Knative's metrics on 8444. It is outside of the mesh, "
            "so strict mTLS refuses it and every target is down."
        ),
        judge=judge.excluded_8444,
    ),
    Check(
        code="HBK1306",
        title="Port 9090 goes through the sidecar",
        severity=Severity.WARNING,
        wanted="9090 among the excluded ports",
        fix='set `excludeInboundPorts: "8022,8444,9090"`',
        why=(
            "Upstream's Knative, and Serverless from 1.38 on, show their metrics on 9090. The "
            "scraper is outside of the mesh, so strict mTLS refuses it. Upstream's tests for "
            "Service Mesh 3 exclude the port."
        ),
        judge=judge.excluded_9090,
        source="serverless-operator hack/lib/mesh_v3_resources/02_istio.yaml",
    ),
    Check(
        code="HBK1307",
        title="The control plane does not use the profile `default`",
        severity=Severity.WARNING,
        wanted="`default` among the profiles",
        fix="set `spec.profiles: [default]`",
        why="Other profiles change defaults that the document counts on, such as the ingress gateway.",
        judge=judge.profiles,
    ),
    Check(
        code="HBK1308",
        title="The ingress gateway's Service lacks the Gateway's label",
        severity=Severity.ERROR,
        wanted="the labels of the Gateway's selector",
        fix="set `spec.gateways.ingress.service.metadata.labels.knative: ingressgateway`",
        why=(
            "The Gateway selects pods by this label, and net-istio finds the Service to probe by it. "
            "Without it no listener exists for the Gateway, and no Knative service becomes ready."
        ),
        judge=judge.gateway_label,
        source="knative-extensions/net-istio pkg/reconciler/ingress/lister.go",
    ),
    Check(
        code="HBK1309",
        title="Applications may start before their proxy",
        severity=Severity.WARNING,
        wanted="true, or nothing",
        fix="set `holdApplicationUntilProxyStarts: true`",
        why="An application that connects at its start gets `connection refused`.",
        judge=judge.hold,
        source="istio/istio#11130",
    ),
    Check(
        code="HBK1310",
        title="The ambient data plane is used",
        severity=Severity.ERROR,
        wanted="sidecars",
        fix="use the profile `openshift` or `default`, and injection by label",
        why="net-istio does not support ambient mode.",
        judge=judge.ambient,
        source="knative-extensions/net-istio#1360",
    ),
    Check(
        code="HBK1311",
        title="The control plane's version is too old",
        severity=Severity.ERROR,
        wanted="v2.2 or later",
        fix="set `spec.version` to a supported version",
        why="Serverless 1.31 and later need Service Mesh 2.2.",
        judge=judge.version,
    ),
    Check(
        code="HBK1312",
        title="The ingress gateway is switched off",
        severity=Severity.ERROR,
        wanted="enabled, or nothing",
        fix="remove `enabled: false`",
        why="Knative's Gateways are served by the control plane's ingress gateway; without it by nobody.",
        judge=judge.gateway_off,
    ),
    Check(
        code="HBK1313",
        title="The API server cannot call a webhook",
        severity=Severity.ERROR,
        wanted="port 8443 PERMISSIVE, or no sidecar",
        fix="add a PeerAuthentication with `portLevelMtls.8443.mode: PERMISSIVE`",
        why=(
            "The API server is outside of the mesh. A sidecar in strict mode ends its connection: "
            "`failed calling webhook ... EOF`, and nothing of Knative can be created."
        ),
        judge=judge.webhooks,
        source="net-istio config/400-webhook-peer-authentication.yaml",
    ),
    Check(
        code="HBK1314",
        title="The autoscaler accepts mTLS only",
        severity=Severity.WARNING,
        wanted="PERMISSIVE for `app: autoscaler` in knative-serving",
        fix="create a PeerAuthentication for `app: autoscaler` with mode PERMISSIVE",
        why=(
            "The activator reaches the autoscaler by pod IP over a WebSocket; with upstream Istio in "
            "strict mode nothing scales up. Upstream's tests make this exception."
        ),
        judge=judge.autoscaler_strict,
        source="serverless-operator hack/lib/mesh_v3_resources/07b_autoscaler_peer_authentication.yaml",
    ),
)
