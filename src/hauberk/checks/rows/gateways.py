"""HBK14xx: the two Gateways of Knative and what leads to them: the rows."""

from __future__ import annotations

from hauberk.checks.judges import gateways as judge
from hauberk.checks.judges import local_service
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1401",
        title="An ingress Gateway that Knative uses does not exist",
        severity=Severity.ERROR,
        wanted="the Gateway that config-istio names",
        fix="create the Gateway `knative-ingress-gateway` in knative-serving",
        why=(
            "net-istio attaches every external route to it. Without it services stay at `Waiting for "
            "load balancer`."
        ),
        judge=judge.missing_ingress,
    ),
    Check(
        code="HBK1402",
        title="The local Gateway that Knative uses does not exist",
        severity=Severity.ERROR,
        wanted="the Gateway that config-istio names",
        fix="create the Gateway `knative-local-gateway` in knative-serving",
        why="net-istio attaches every cluster-local route to it, and each service's Ready waits for it.",
        judge=judge.missing_local,
    ),
    Check(
        code="HBK1403",
        title="A Gateway selects no gateway pod",
        severity=Severity.ERROR,
        wanted="the labels of the ingress gateway's pods",
        fix="correct `spec.selector`, or label the gateway",
        why=(
            "Istio gives a Gateway's listeners to the pods of its selector, wherever they are in the "
            "mesh. Nobody listens."
        ),
        judge=judge.no_pods,
        source="knative-extensions/net-istio#985",
    ),
    Check(
        code="HBK1404",
        title="The ingress Gateway has no HTTPS server on 443",
        severity=Severity.ERROR,
        wanted="port 443 with protocol HTTPS",
        fix="set `number: 443`, `protocol: HTTPS`",
        why=(
            "A passthrough Route leads to 443 of the gateway; without this listener the connection is reset."
        ),
        judge=judge.no_https,
        source="knative/serving#13792",
    ),
    Check(
        code="HBK1405",
        title="The ingress Gateway does not end TLS as SIMPLE",
        severity=Severity.ERROR,
        wanted="SIMPLE",
        fix="set `tls.mode: SIMPLE`",
        why=(
            "PASSTHROUGH shows no certificate of the domain, MUTUAL asks every outside client for "
            "one, ISTIO_MUTUAL answers only the mesh."
        ),
        judge=judge.tls_mode,
    ),
    Check(
        code="HBK1406",
        title="The ingress Gateway names no certificate",
        severity=Severity.ERROR,
        wanted="the name of a Secret of type kubernetes.io/tls",
        fix="set `tls.credentialName`",
        why=("Envoy refuses a TLS listener without a certificate, and with it every other host of the port."),
        judge=judge.credential,
        source="knative/serving#7264",
    ),
    Check(
        code="HBK1407",
        title="A Gateway of Knative does not serve every host",
        severity=Severity.ERROR,
        wanted="`*`",
        fix='set `hosts: ["*"]`',
        why=(
            "Hosts of Knative services and of domain mappings come and go; the Gateway drops those "
            "that it does not list: 404."
        ),
        judge=judge.hosts,
    ),
    Check(
        code="HBK1408",
        title="The local Gateway does not ask for client certificates",
        severity=Severity.ERROR,
        wanted="ISTIO_MUTUAL",
        fix="set `protocol: HTTPS` and `tls.mode: ISTIO_MUTUAL`",
        why=(
            "With plain HTTP or SIMPLE any pod of the cluster can call cluster-local services without"
            " a certificate: the mesh's strictness ends at this door."
        ),
        judge=judge.plain_local,
    ),
    Check(
        code="HBK1409",
        title="The local Gateway's Service does not exist",
        severity=Severity.ERROR,
        wanted="the Service that config-istio names",
        fix="create the Service `knative-local-gateway` in the control plane's namespace",
        why=(
            "`NAME.NAMESPACE.svc.cluster.local` of every Knative service is an ExternalName of it; "
            "without it the name leads nowhere."
        ),
        judge=local_service.no_local_service,
    ),
    Check(
        code="HBK1410",
        title="The local Gateway's Service leads to a port where nobody listens",
        severity=Severity.ERROR,
        wanted="the port of the local Gateway's server",
        fix="set `targetPort: 8081`",
        why="Calls to cluster-local services end in `connection refused`.",
        judge=local_service.no_listener,
    ),
    Check(
        code="HBK1411",
        title="Port translation of the local Gateway's Service is on",
        severity=Severity.WARNING,
        wanted='label `experimental.istio.io/disable-gateway-port-translation: "true"`',
        fix="add the label",
        why=(
            "Istio translates a Gateway's port 80 into the target ports of all Services before the "
            "pods. Without the label a server on 80 also listens on 8081, where the local Gateway is."
        ),
        judge=local_service.translated,
        source="istio/istio pilot/pkg/model/gateway.go, mergeGateways",
    ),
    Check(
        code="HBK1412",
        title="The local Gateway's Service selects no gateway pod",
        severity=Severity.ERROR,
        wanted="the labels of the pods that the local Gateway selects",
        fix="set `selector: {istio: ingressgateway}`",
        why="The Service has no endpoints: calls to cluster-local services fail at once.",
        judge=local_service.local_selector,
    ),
    Check(
        code="HBK1413",
        title="The local Gateway is exposed outside the cluster",
        severity=Severity.ERROR,
        wanted="ClusterIP",
        fix="set `type: ClusterIP`",
        why="Cluster-local services are meant for the cluster only.",
        judge=local_service.local_type,
    ),
    Check(
        code="HBK1414",
        title="The local Gateway's Service has no port 80",
        severity=Severity.ERROR,
        wanted="port 80",
        fix="add a port 80 with `targetPort: 8081`",
        why="Cluster-local URLs have no port, so clients use 80.",
        judge=local_service.local_port,
    ),
    Check(
        code="HBK1415",
        title="The local Gateway's port is not named as HTTP/2",
        severity=Severity.WARNING,
        wanted="`http2`",
        fix="name the port `http2`",
        why=(
            "Istio reads the protocol from the name. As `tcp` requests are not routed by host, as "
            "`http` gRPC is downgraded to HTTP/1.1."
        ),
        judge=local_service.local_port_name,
        source="istio.io protocol selection",
    ),
    Check(
        code="HBK1416",
        title="The ingress Gateway's Service does not exist",
        severity=Severity.ERROR,
        wanted="the Service in front of the gateway's pods",
        fix="set `spec.config.istio` to the gateway's Service",
        why=(
            "When the mesh is not in istio-system (or the gateway has another name) the two keys of "
            "config-istio must say so; Routes and probes lead to that Service."
        ),
        judge=judge.no_ingress_service,
        source="knative/operator#1216",
    ),
    Check(
        code="HBK1417",
        title="Old and new spelling of config-istio are mixed",
        severity=Severity.ERROR,
        wanted="either `gateway.NAMESPACE.NAME` keys or `external-gateways` and `local-gateways`",
        fix="keep one of them",
        why=(
            "net-istio reads the lists and drops the keys, or refuses the ConfigMap, depending on its"
            " version."
        ),
        judge=judge.mixed,
        source="knative-extensions/net-istio config/400-config-istio.yaml",
    ),
    Check(
        code="HBK1418",
        title="Another Gateway takes every host on 443",
        severity=Severity.ERROR,
        wanted="one owner of `*` on 443",
        fix="give the other Gateway its own hosts, or a mesh of its own",
        why=(
            "Two owners of the wildcard on the same pods: which certificate is served and which "
            "routes exist is a matter of chance. Compared are the pods and the mesh, not the"
            " text of the selectors."
        ),
        judge=judge.conflicts,
        source="knative/serving#5163",
    ),
    Check(
        code="HBK1419",
        title="The ingress gateway is exposed by NodePort or LoadBalancer",
        severity=Severity.ERROR,
        wanted="ClusterIP",
        fix="set the Service's type to ClusterIP",
        why="On OpenShift outside traffic comes through Routes only; direct exposure is unsupported.",
        judge=judge.exposed,
    ),
    Check(
        code="HBK1420",
        title="Several Gateways serve the same certificate",
        severity=Severity.WARNING,
        wanted="one Gateway with the shared certificate",
        fix="move the server into the Gateway with `*`",
        why=(
            "Browsers reuse an HTTP/2 connection for every host of its certificate; the other "
            "Gateway's hosts are answered with 404 NR."
        ),
        judge=judge.shared_credential,
        source="istio/istio#13589",
    ),
    Check(
        code="HBK1421",
        title="No Service carries the labels of the ingress Gateway's selector",
        severity=Severity.ERROR,
        wanted="a Service with these labels before the gateway's pods",
        fix="label the gateway's Service",
        why=(
            "net-istio finds the Service to probe by the Gateway's selector. Without one, nothing is "
            "probed and services become Ready before they are."
        ),
        needs=("Service",),
        judge=judge.probe_service,
        source="knative-extensions/net-istio pkg/reconciler/ingress/lister.go",
    ),
    Check(
        code="HBK1422",
        title="The ingress gateway's Service lacks a port",
        severity=Severity.ERROR,
        wanted="ports 80 and 443",
        fix="add the port",
        why="Edge Routes lead to http2 (80), passthrough Routes to https (443).",
        judge=judge.bare_ports,
        source="serverless-operator serving/ingress/pkg/reconciler/ingress/resources/route.go",
    ),
    Check(
        code="HBK1423",
        title="A Gateway of Knative applies to every proxy",
        severity=Severity.WARNING,
        wanted="the label of the ingress gateway: `knative: ingressgateway`",
        fix="set `spec.selector`",
        why=(
            "Without a selector Istio opens the listeners on every gateway of the mesh, those of others "
            "included. The document labels the ingress gateway so that Knative has one of its own."
        ),
        judge=judge.no_selector,
    ),
    Check(
        code="HBK1424",
        title="A port of a Gateway or ServiceEntry has no name",
        severity=Severity.ERROR,
        wanted="a name, such as `https`",
        fix="name the port",
        why="Istio's validation refuses it.",
        judge=judge.nameless,
        source="istio/istio pkg/config/validation/validation.go",
    ),
    Check(
        code="HBK1425",
        title="The ingress gateway's Service does not show the proxy's health",
        severity=Severity.INFO,
        wanted="port 15021",
        fix="add the port `status-port` 15021",
        why="The document's preflight lists 80, 443 and 15021; load balancers and monitoring ask the last.",
        judge=judge.no_status_port,
    ),
)
