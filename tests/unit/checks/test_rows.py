"""Every check: a world in which it is silent, and an edit after which it, and nothing else, speaks."""

# ruff: noqa: E501 - a table is read by its rows

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from hauberk.checks.table import CHECKS
from hauberk.testing.worlds import Edit, add, codes, drop, made, put, without

GOOD = list(yaml.safe_load_all((Path(__file__).parent / "document.yaml").read_text()))
SMCP = "ServiceMeshControlPlane/basic"
ROLL = "ServiceMeshMemberRoll/default"
INGRESS = "Gateway/knative-ingress-gateway"
LOCAL = "Gateway/knative-local-gateway"
LOCAL_SERVICE = "Service/knative-local-gateway"
SERVING = "KnativeServing/knative-serving"
EVENTING = "KnativeEventing/knative-eventing"
KAFKA = "KnativeKafka/knative-kafka"
ENTRY = "ServiceEntry/kafka-cluster"
KSVC = "Service/hello"
INJECT = "sidecar~1istio~1io/inject"
REWRITE = "sidecar~1istio~1io/rewriteAppHTTPProbers"
DRAIN = "spec.techPreview.meshConfig.defaultConfig.terminationDrainDuration"
EXCLUDED = "spec.proxy.networking.trafficControl.inbound.excludedPorts"
TEMPLATE = "spec.template.metadata"
KINDS = ("VirtualService.networking.istio.io", "DestinationRule.networking.istio.io")
INGRESS_SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system, labels: {knative: ingressgateway}}
spec:
  type: ClusterIP
  selector: {knative: ingressgateway}
  ports: [{name: http2, port: 80}, {name: https, port: 443}, {name: status-port, port: 15021}]
"""
DENY = "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: deny-all, namespace: %s}, spec: {}}"
POLICY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: %s, namespace: %s}
spec: %s
"""
NETWORK = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %s, namespace: %s}
spec: %s
"""
PEER = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: %s, namespace: %s}
spec: %s
"""
ISTIO = """
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: default}
spec:
  namespace: istio-system
  values:
    meshConfig: {defaultConfig: {terminationDrainDuration: 35s}}
    global: {proxy: {excludeInboundPorts: "8022,8444,9090"}}
---
apiVersion: sailoperator.io/v1
kind: IstioCNI
metadata: {name: default}
spec: {namespace: istio-cni}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: mesh-mtls, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: autoscaler, namespace: knative-serving}
spec: {selector: {matchLabels: {app: autoscaler}}, mtls: {mode: PERMISSIVE}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: istio-system}
spec:
  template:
    metadata:
      annotations: {inject.istio.io/templates: gateway}
      labels: {istio: ingressgateway, knative: ingressgateway}
"""
SAIL: tuple[Edit, ...] = (without(SMCP), without(ROLL), add(ISTIO), add(INGRESS_SERVICE))
FROM = "{rules: [{from: [{source: {namespaces: [%s]}}]}]}"
TENANT: tuple[Edit, ...] = (
    add(POLICY % ("allow-knative", "shop", FROM % "shop, knative-serving")),
    add(POLICY % ("activator", "knative-serving", FROM % "shop")),
)
NOT_READY = [{"type": "Ready", "status": "False", "message": "probe failed"}]


@dataclass(frozen=True)
class Case:
    """`good` edits make the world in which the check is silent; `bad` ones break it."""

    code: str
    bad: Sequence[Edit]
    good: Sequence[Edit] = ()
    also: frozenset[str] = frozenset()  # what follows from it and is told, too
    note: str = ""

    def __str__(self) -> str:
        return f"{self.code}-{self.note}" if self.note else self.code


def label(of: str, index: int, key: str = "labels", name: str = INJECT) -> Edit:
    return drop(of, f"spec.workloads.{index}.{key}.{name}")


OBJECTS = (
    Case("HBK1004", [put(INGRESS, "spec.servers.0.tls.credentialName", "<wildcard_certs>")]),
    Case("HBK1004", [put(ROLL, "spec.members.2", "your-OpenShift-projects"),
                     put(KSVC, "metadata.namespace", "knative-serving")], note="member"),
    Case("HBK1005", [put(KSVC, f'{TEMPLATE}.annotations.{INJECT}": ', "true")]),
    Case("HBK1006", [put(KSVC, f"{TEMPLATE}.labels.{INJECT}", True)]),
    Case("HBK1009", [add("{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: a}, spec: {}}")]),
    Case("HBK1007", [put(KSVC, "metadata.annotations.doctor~1hauberk~1dev/HBK1521", " ")]),
    Case("HBK1008", [put(KSVC, "metadata.annotations.doctor~1hauberk~1dev/HBK1521", "no reason to")]),
)  # fmt: skip
MEMBERS = (
    Case("HBK1201", [without(SMCP)]),
    Case("HBK1202", [add("{apiVersion: sailoperator.io/v1, kind: IstioCNI, metadata: {name: default}}"),
                     add(ISTIO.partition("---")[0])]),
    Case("HBK1203", [without(ROLL), add("{apiVersion: v1, kind: Namespace, metadata: {name: other}}")]),
    Case("HBK1203", [put(ROLL, "metadata.namespace", "elsewhere")], note="namespace",
         also=frozenset({"HBK1403"})),
    Case("HBK1204", [put(ROLL, "metadata.name", "basic")]),
    Case("HBK1205", [drop(ROLL, "spec.members.1")], note="eventing"),
    Case("HBK1206", [drop(ROLL, "spec.members.2")]),
    Case("HBK1207", [add("""
apiVersion: maistra.io/v1
kind: ServiceMeshMemberRoll
metadata: {name: default, namespace: other-mesh}
spec: {members: [shop]}
""")]),
    Case("HBK1208", [put(ROLL, "status", {"pendingMembers": ["shop"]})]),
    Case("HBK1209", [put(SMCP, "status", {"conditions": [{"type": "Ready", "status": "False"}]})]),
    Case("HBK1210", [put(SERVING, "metadata.creationTimestamp", "2026-09-01T10:00:00Z")],
         good=[put(SMCP, "metadata.creationTimestamp", "2026-09-01T10:01:00Z")]),
    Case("HBK1212", [put("ValidatingWebhookConfiguration/hook", "webhooks.0.clientConfig.service.name", "gone")],
         good=[add("""
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks: [{name: a.b.c, clientConfig: {service: {name: knative-local-gateway, namespace: istio-system}}}]
""")]),
    Case("HBK1213", [without("IstioCNI/default")], good=SAIL),
    Case("HBK1214", [put("Namespace/shop", "metadata.labels", {"istio-injection": "disabled"})],
         good=[add("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")]),
)  # fmt: skip
PLANE = (
    Case("HBK1301", [drop(SMCP, "spec.security.dataPlane.mtls")], note="missing"),
    Case("HBK1301", [put(SMCP, "spec.security.dataPlane.mtls", False)], note="inverted"),
    Case("HBK1301", [without("PeerAuthentication/mesh-mtls")], good=SAIL, note="sail"),
    Case("HBK1302", [put("PeerAuthentication/loose", "spec.mtls.mode", "PERMISSIVE")],
         good=[add(PEER % ("loose", "shop", "{mtls: {mode: STRICT}}"))]),
    Case("HBK1302", [put("PeerAuthentication/hook", "spec.portLevelMtls", {"8080": {"mode": "DISABLE"}})],
         good=[add(PEER % ("hook", "knative-serving", '{portLevelMtls: {"8443": {mode: PERMISSIVE}}}'))], note="port"),
    Case("HBK1303", [drop(SMCP, DRAIN)], note="missing"),
    Case("HBK1303", [put(SMCP, DRAIN, "30s")], note="too-short"),
    Case("HBK1303", [put("Istio/default", "spec.values.meshConfig.defaultConfig.terminationDrainDuration", "5s")],
         good=SAIL, note="sail"),
    Case("HBK1304", [put(SMCP, EXCLUDED, [8444])]),
    Case("HBK1305", [put(SMCP, EXCLUDED, [8022])]),
    Case("HBK1306", [put("Istio/default", "spec.values.global.proxy.excludeInboundPorts", "8022,8444")],
         good=[*SAIL, put(SERVING, "spec.config.observability", {"metrics-protocol": "prometheus"})]),
    Case("HBK1307", [drop(SMCP, "spec.profiles")], note="missing"),
    Case("HBK1307", [put(SMCP, "spec.profiles", ["small"])], note="other"),
    Case("HBK1309", [put(SMCP, "spec.techPreview.meshConfig.defaultConfig.holdApplicationUntilProxyStarts", False)]),
    Case("HBK1310", [put("Istio/default", "spec.profile", "ambient")], good=SAIL),
    Case("HBK1311", [put(SMCP, "spec.version", "v2.0")], good=[put(SMCP, "spec.version", "v2.6")]),
    Case("HBK1312", [put(SMCP, "spec.gateways.ingress.enabled", False)]),
    Case("HBK1313", [put(SERVING, "spec.workloads.3.labels", {"sidecar.istio.io/inject": "true"})],
         good=[add(PEER % ("other", "knative-serving", "{selector: {matchLabels: {app: other}}}")),
               put(SERVING, "spec.workloads", [*GOOD[5]["spec"]["workloads"], {"name": "webhook"}])]),
    Case("HBK1314", [without("PeerAuthentication/autoscaler")], good=SAIL),
)  # fmt: skip
GATEWAYS = (
    Case("HBK1401", [without(INGRESS)]),
    Case("HBK1402", [without(LOCAL)]),
    Case("HBK1403", [put("Deployment/gateway", f"{TEMPLATE}.labels", {"istio": "ingressgateway", "knative": "no"}),
                     put(LOCAL, "spec.selector", {"istio": "ingressgateway"})], good=SAIL),
    Case("HBK1404", [put(INGRESS, "spec.servers.0.port.number", 8443)], note="number"),
    Case("HBK1404", [put(INGRESS, "spec.servers.0.port.protocol", "HTTP")], note="protocol"),
    Case("HBK1405", [put(INGRESS, "spec.servers.0.tls.mode", "PASSTHROUGH")]),
    Case("HBK1405", [drop(INGRESS, "spec.servers.0.tls.mode")], note="missing"),
    Case("HBK1406", [drop(INGRESS, "spec.servers.0.tls.credentialName")]),
    Case("HBK1407", [put(INGRESS, "spec.servers.0.hosts", ["*.example.com"])]),
    Case("HBK1407", [put(LOCAL, "spec.servers.0.hosts", [])], note="local"),
    Case("HBK1408", [put(LOCAL, "spec.servers.0.tls.mode", "SIMPLE")], note="mode"),
    Case("HBK1408", [put(LOCAL, "spec.servers.0.port.protocol", "HTTP")], note="protocol"),
    Case("HBK1409", [without(LOCAL_SERVICE)]),
    Case("HBK1409", [put(LOCAL_SERVICE, "metadata.namespace", "knative-serving")], note="namespace"),
    Case("HBK1410", [put(LOCAL_SERVICE, "spec.ports.0.targetPort", 8080)], note="service"),
    Case("HBK1410", [put(LOCAL, "spec.servers.0.port.number", 8082)], note="gateway"),
    Case("HBK1411", [drop(LOCAL_SERVICE, "metadata.labels")]),
    Case("HBK1412", [put(LOCAL_SERVICE, "spec.selector", {"istio": "egressgateway"})]),
    Case("HBK1413", [put(LOCAL_SERVICE, "spec.type", "NodePort")]),
    Case("HBK1414", [put(LOCAL_SERVICE, "spec.ports.0.port", 81)]),
    Case("HBK1415", [put(LOCAL_SERVICE, "spec.ports.0.name", "tcp")]),
    Case("HBK1416", [put(SERVING, "spec.config.istio", {
        "gateway.knative-serving.knative-ingress-gateway": "istio-ingressgateway.mesh.svc.cluster.local"})]),
    Case("HBK1417", [put(SERVING, "spec.config.istio.local-gateways",
        "[{name: knative-local-gateway, namespace: knative-serving,"
        " service: knative-local-gateway.istio-system.svc.cluster.local}]")]),
    Case("HBK1418", [put("Gateway/theirs", "spec.servers.0.hosts", ["*"])], good=[add("""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: theirs, namespace: shop}
spec:
  selector: {app: istio-ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example.com], tls: {mode: PASSTHROUGH}}
""")]),
    Case("HBK1419", [put(SMCP, "spec.gateways.ingress.service.type", "LoadBalancer")]),
    Case("HBK1420", [put("Gateway/theirs", "spec.servers.0.tls.credentialName", "wildcard-certs")], good=[add("""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: theirs, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, credentialName: own}}
""")]),
    Case("HBK1421", [put("Service/istio-ingressgateway", "metadata.labels", {"istio": "x"})], good=SAIL),
    Case("HBK1422", [drop("Service/istio-ingressgateway", "spec.ports.1")], good=SAIL),
)  # fmt: skip
SERVICES = (
    Case("HBK1425", [drop("Service/istio-ingressgateway", "spec.ports.2")], good=SAIL),
    Case("HBK1530", [without("EnvoyFilter/idle")],
         good=[*SAIL, put(KSVC, "spec.template.spec.timeoutSeconds", 500), add("""
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: idle, namespace: istio-system}
spec: {configPatches: [{patch: {value: {typed_config: {stream_idle_timeout: 0s}}}}]}
""")]),
    Case("HBK1646", [put(ROLL, "spec.members", ["knative-serving", "knative-eventing", "shop", "kafka"])]),
    Case("HBK1904", [put("Secret/shop-tls", "metadata.namespace", "elsewhere")], good=[add("""
apiVersion: v1
kind: Secret
metadata: {name: shop-tls, namespace: shop, labels: {networking.internal.knative.dev/certificate-uid: "1"}}
---
apiVersion: serving.knative.dev/v1beta1
kind: DomainMapping
metadata: {name: shop.example.com, namespace: shop}
spec: {tls: {secretName: shop-tls}}
"""), put(INGRESS, "metadata.annotations", {"doctor.hauberk.dev/HBK1101": "made later"})]),
    Case("HBK1423", [drop(INGRESS, "spec.selector")]),
    Case("HBK1424", [drop(LOCAL, "spec.servers.0.port.name")], note="gateway"),
    Case("HBK1424", [drop(ENTRY, "spec.ports.1.name")], note="entry"),
    Case("HBK1412", [drop(LOCAL_SERVICE, "spec.selector")], note="missing"),
    Case("HBK1215", [put(KAFKA, "metadata.namespace", "shop")]),
    Case("HBK1501", [drop(SERVING, "spec.ingress.istio.enabled")], note="missing"),
    Case("HBK1501", [put(SERVING, "spec.ingress.istio.enabled", False)], note="inverted"),
    Case("HBK1502", [put(SERVING, "spec.ingress.kourier", {"enabled": True})]),
    Case("HBK1503", [put(SERVING, "spec.config.network", {"ingress-class": "kourier.ingress.networking.knative.dev"})]),
    Case("HBK1504", [label(SERVING, 0)], note="activator"),
    Case("HBK1504", [put(SERVING, f"spec.workloads.1.labels.{INJECT}", "false")], note="autoscaler"),
    Case("HBK1504", [drop(SERVING, "spec.workloads.1")], note="row"),
    Case("HBK1505", [label(SERVING, 0, "annotations", REWRITE)], note="activator"),
    Case("HBK1505", [put(SERVING, f"spec.workloads.1.annotations.{REWRITE}", "false")], note="autoscaler"),
    Case("HBK1506", [put(SERVING, "spec.config.network", {"mesh-compatibility-mode": "disabled"})]),
    Case("HBK1507", [put("Route/r", "metadata.namespace", "old-mesh")], good=[add("""
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: r, namespace: istio-system, labels: {serving.knative.openshift.io/ingressName: hello}}
""")]),
    Case("HBK1508", [put("Route/r", "status.ingress.0.conditions.0.status", "False")], good=[add("""
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: r, namespace: istio-system}
status: {ingress: [{conditions: [{type: Admitted, status: "True", reason: HostAlreadyClaimed}]}]}
""")]),
    Case("HBK1509", [put("Pod/p", "spec.containers", [{"name": "user"}])], good=[add("""
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop, labels: {serving.knative.dev/revision: hello-1}}
spec: {containers: [{name: istio-proxy}]}
status: {phase: Running}
---
apiVersion: v1
kind: Pod
metadata:
  name: gateway
  namespace: istio-system
  labels: {istio: ingressgateway, knative: ingressgateway}
""")]),
    Case("HBK1510", [put(KSVC, f"{TEMPLATE}.annotations.sidecar~1istio~1io/proxyCPULimit", "50m")],
         good=[put(KSVC, f"{TEMPLATE}.annotations.sidecar~1istio~1io/proxyCPULimit", "1")]),
    Case("HBK1521", [drop(KSVC, f"{TEMPLATE}.labels")]),
    Case("HBK1521", [put(KSVC, f"{TEMPLATE}.labels.{INJECT}", "false")], note="inverted"),
    Case("HBK1522", [drop(KSVC, f"{TEMPLATE}.labels"), put(KSVC, f"{TEMPLATE}.annotations.{INJECT}", "true")]),
    Case("HBK1523", [drop(KSVC, f"{TEMPLATE}.labels"), put(KSVC, f"{TEMPLATE}.annotations.{INJECT}", "true")], good=SAIL),
    Case("HBK1524", [drop(KSVC, f"{TEMPLATE}.annotations.{REWRITE}")]),
    Case("HBK1525", [drop(KSVC, "metadata.annotations")]),
    Case("HBK1526", [put(KSVC, "metadata.annotations.serving~1knative~1openshift~1io/enablePassthrough", "false")]),
    Case("HBK1527", [put(KSVC, f"{TEMPLATE}.annotations.serving~1knative~1openshift~1io/enablePassthrough", "true")]),
    Case("HBK1528", [drop(KSVC, "metadata.annotations.serving~1knative~1openshift~1io/setRouteTimeout")],
         good=[put(KSVC, "spec.template.spec.timeoutSeconds", 900),
               put(KSVC, "metadata.annotations.serving~1knative~1openshift~1io/setRouteTimeout", "900"),
               put(SERVING, "spec.config.defaults", {"max-revision-timeout-seconds": "900"})]),
    Case("HBK1529", [drop(SERVING, "spec.config.defaults")],
         good=[put(KSVC, "spec.template.spec.timeoutSeconds", 900),
               put(KSVC, "metadata.annotations.serving~1knative~1openshift~1io/setRouteTimeout", "900"),
               put(SERVING, "spec.config.defaults", {"max-revision-timeout-seconds": "900"})]),
)  # fmt: skip
EVENTS = (
    Case("HBK1601", [drop(EVENTING, "spec.config.features")], note="missing"),
    Case("HBK1601", [put(EVENTING, "spec.config.features.istio", "disabled")], note="inverted"),
    *(Case("HBK1602", [label(EVENTING, i)], note=str(i)) for i in range(4)),
    *(Case("HBK1603", [label(EVENTING, i, "annotations", REWRITE)], note=str(i)) for i in range(4)),
    Case("HBK1604", [drop(EVENTING, "spec.workloads.4")],
         good=[put(EVENTING, "spec.workloads", [*GOOD[6]["spec"]["workloads"],
                                               {**GOOD[6]["spec"]["workloads"][0], "name": "job-sink"}]),
               add("{apiVersion: sinks.knative.dev/v1alpha1, kind: JobSink, metadata: {name: j, namespace: shop}}")]),
    Case("HBK1606", [drop("Service/c-kn-channel", "spec.ports")], good=[add("""
apiVersion: v1
kind: Service
metadata: {name: c-kn-channel, namespace: shop, labels: {messaging.knative.dev/role: in-memory-channel}}
spec: {type: ExternalName, externalName: imc-dispatcher.knative-eventing.svc, ports: [{name: http, port: 80}]}
""")]),
    Case("HBK1607", [add("{apiVersion: eventing.knative.dev/v1alpha1, kind: EventTransform,"
                         " metadata: {name: t, namespace: shop}}")]),
    Case("HBK1608", [put("Broker/b", "metadata.annotations.eventing~1knative~1dev/broker~1class", "KafkaNamespaced")],
         good=[add("{apiVersion: eventing.knative.dev/v1, kind: Broker, metadata: {name: b, namespace: shop,"
                   " annotations: {eventing.knative.dev/broker.class: Kafka}}}")]),
    Case("HBK1609", [put("Broker/b", "status", {"conditions": NOT_READY})],
         good=[add("{apiVersion: eventing.knative.dev/v1, kind: Broker, metadata: {name: b, namespace: shop}}")]),
    Case("HBK1610", [put("ContainerSource/s", "spec.sink.ref.name", "event-display-service")], good=[add("""
apiVersion: sources.knative.dev/v1
kind: ContainerSource
metadata: {name: s, namespace: shop}
spec: {sink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: hello}}}
""")]),
    Case("HBK1611", [put("Job/j", f"{TEMPLATE}.labels", {"sidecar.istio.io/inject": "true"})], good=[add("""
apiVersion: batch/v1
kind: Job
metadata: {name: j, namespace: shop}
spec: {template: {metadata: {labels: {sidecar.istio.io/inject: "false"}}}}
""")]),
    Case("HBK1630", [put(KAFKA, "spec.broker.sink", {"enabled": True})]),
    Case("HBK1630", [put(KAFKA, "spec.channel.bootstrapServer", "x")], note="typing"),
    Case("HBK1631", [drop(KAFKA, "spec.channel.bootstrapServers")], note="channel"),
    Case("HBK1631", [drop(KAFKA, "spec.broker.defaultConfig.bootstrapServers")], note="broker"),
    Case("HBK1632", [drop(KAFKA, "spec.broker.defaultConfig.numPartitions")]),
    Case("HBK1632", [drop(KAFKA, "spec.broker.defaultConfig.replicationFactor")], note="replication"),
    *(Case("HBK1633", [label(KAFKA, i)], note=str(i)) for i in range(7)),
    *(Case("HBK1634", [label(KAFKA, i, "annotations", REWRITE)], note=str(i)) for i in range(7)),
    *(Case("HBK1635", [drop(KAFKA, f"spec.{p}.enabled")], note=p) for p in ("channel", "source", "broker", "sink")),
    Case("HBK1635", [put(KAFKA, "spec.sink.enabled", False)], note="inverted"),
    Case("HBK1636", [without(ENTRY)]),
    Case("HBK1636", [put(ENTRY, "spec.hosts", ["other.kafka"])], note="host"),
    Case("HBK1637", [put(ENTRY, "spec.ports.0.number", 9095)]),
    Case("HBK1638", [put(ENTRY, "spec.hosts", ["my-cluster-kafka-bootstrap.kafka", "other:9092"])]),
    Case("HBK1639", [put(ENTRY, "spec.ports.1.name", "tcp-plain")]),
    Case("HBK1640", [put(ENTRY, "spec.ports.0.protocol", "HTTP")]),
    Case("HBK1641", [put(ENTRY, "spec.location", "MESH_INTERNAL")]),
    Case("HBK1642", [put(ENTRY, "spec.resolution", "DNS")]),
    Case("HBK1643", [put(ENTRY, "spec.exportTo", ["*"])], note="inverted"),
    Case("HBK1643", [drop(ENTRY, "spec.exportTo")], note="missing"),
    Case("HBK1644", [add("""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: again, namespace: knative-eventing}
spec:
  hosts: [my-cluster-kafka-bootstrap.kafka]
  exportTo: ["."]
  ports: [{number: 9092, name: tcp, protocol: TCP}]
""")]),
    Case("HBK1645", [put("KafkaSource/k", "spec.bootstrapServers", ["far.kafka:9092"])], good=[add("""
apiVersion: sources.knative.dev/v1
kind: KafkaSource
metadata: {name: k, namespace: shop}
spec: {bootstrapServers: ["my-cluster-kafka-bootstrap.kafka:9092"]}
""")]),
)  # fmt: skip
AUTHORIZATION = (
    Case("HBK1701", [add(DENY % "knative-serving")]),
    Case("HBK1702", [add(DENY % "knative-eventing")]),
    Case("HBK1703", [put("AuthorizationPolicy/p", "spec.rules.0.from.0.source.principals.0", "cluster.local/ns/shop/sa/gone")],
         good=[*TENANT, add("{apiVersion: v1, kind: ServiceAccount, metadata: {name: app, namespace: shop}}"),
               add(POLICY % ("p", "shop", "{rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/app]}}]}]}"))]),
    Case("HBK1704", [without("AuthorizationPolicy/drain")],
         good=[*TENANT, add(POLICY % ("drain", "shop", '{rules: [{to: [{operation: {ports: ["8022"]}}]}]}')),
               add('{apiVersion: sailoperator.io/v1, kind: IstioCNI, metadata: {name: d}}'), *SAIL,
               put("Istio/default", "spec.values.global.proxy.excludeInboundPorts", "8444,9090"),
               put("Istio/default", "metadata.annotations", {"doctor.hauberk.dev/HBK1304": "policy allows it"})]),
    Case("HBK1705", [put("AuthorizationPolicy/allow-knative", "spec.rules.0.from.0.source.namespaces", ["shop"])], good=TENANT),
    Case("HBK1706", [put("PeerAuthentication/mesh", "spec.mtls.mode", "PERMISSIVE")],
         also=frozenset({"HBK1301"}), good=[*TENANT, add(PEER % ("mesh", "istio-system", "{mtls: {mode: STRICT}}"))]),
    Case("HBK1707", [put("AuthorizationPolicy/gw", "spec.rules", [{"to": [{"operation": {"paths": ["/api"]}}]}])],
         good=[add(POLICY % ("gw", "istio-system",
               "{selector: {matchLabels: {knative: ingressgateway}}, rules: [{to: [{operation: {paths: [/healthz]}}]}]}"))]),
    Case("HBK1708", [without("AuthorizationPolicy/activator")], good=TENANT),
    Case("HBK1709", [add(POLICY % ("events", "shop", FROM % "knative-eventing"))], good=TENANT),
)  # fmt: skip
MONITORING = (
    Case("HBK1801", [put(SERVING, "spec.version", "1.19")], good=[put(SERVING, "spec.version", "1.17")]),
    Case("HBK1802", [drop(SERVING, "spec.config.observability")], note="serving"),
    Case("HBK1802", [drop(EVENTING, "spec.config.observability")], note="eventing"),
    Case("HBK1802", [put(SERVING, "spec.config.observability", {"metrics.backend-destination": "none"})], note="none"),
    Case("HBK1803", [put("NetworkPolicy/monitoring", "spec.ingress.0.from.0.namespaceSelector.matchLabels",
                         {"name": "openshift-monitoring"})],
         good=[add(NETWORK % ("monitoring", "shop", "{podSelector: {matchLabels: {a: b}}, ingress: [{from: "
               "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: openshift-monitoring}}}]}]}"))]),
    *(Case("HBK1804", [drop(of, "metadata.annotations")], note=of,
           good=[put(SMCP, "spec.security.manageNetworkPolicy", False),
                 *(put(o, "metadata.annotations",
                       {"serverless.openshift.io/disable-istio-net-policies-generation": "true"})
                   for o in (SERVING, EVENTING))]) for of in (SERVING, EVENTING)),
    Case("HBK1805", [put(SERVING, "metadata.annotations",
                         {"serverless.openshift.io/disable-istio-net-policies-generation": "true"})]),
    Case("HBK1806", [add(NETWORK % ("deny", "knative-serving", "{podSelector: {}, policyTypes: [Ingress]}"))]),
    Case("HBK1807", [put("NetworkPolicy/members", "spec.ingress.0.from.0.namespaceSelector.matchLabels", {"a": "b"})],
         good=[add(NETWORK % ("members", "shop", "{podSelector: {}, ingress: [{from: [{namespaceSelector: "
               "{matchLabels: {kubernetes.io/metadata.name: knative-serving}}}]}]}"))]),
    Case("HBK1901", [drop("Secret/shop-tls", "metadata.labels")], good=[add("""
apiVersion: v1
kind: Secret
metadata: {name: shop-tls, namespace: shop, labels: {networking.internal.knative.dev/certificate-uid: "1"}}
---
apiVersion: v1
kind: Secret
metadata: {name: wildcard-certs, namespace: istio-system}
type: kubernetes.io/tls
stringData: {tls.crt: "-", tls.key: "-"}
---
apiVersion: serving.knative.dev/v1beta1
kind: DomainMapping
metadata: {name: shop.example.com, namespace: shop}
spec: {tls: {secretName: shop-tls}}
"""), put(INGRESS, "metadata.annotations", {}),
        put("Secret/wildcard-certs", "metadata.annotations", {"doctor.hauberk.dev/HBK1103": "not a real one"})]),
    Case("HBK1902", [put(SERVING, "spec.workloads.2.env.0.container", "net-istio-controller")], note="container"),
    Case("HBK1902", [put(SERVING, "spec.workloads.2.env.0.envVars.0.value", "off")], note="value"),
    Case("HBK1903", [put("Secret/big", "hauberk~1dev/bytes", 200 * 2**20)],
         good=[add("{apiVersion: v1, kind: Secret, metadata: {name: big, namespace: shop}}"),
               put(INGRESS, "metadata.annotations", {"doctor.hauberk.dev/HBK1101": "made later"}),
               put(SERVING, "spec.workloads.2.env.0.envVars.0.value", "false")]),
)  # fmt: skip
CASES = (*OBJECTS, *MEMBERS, *PLANE, *GATEWAYS, *SERVICES, *EVENTS, *AUTHORIZATION, *MONITORING)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_silent_on_the_good_world_and_alone_on_the_bad_one(case: Case) -> None:
    assert codes(made(GOOD, case.good)) == set()
    assert codes(made(GOOD, [*case.good, *case.bad])) == {case.code, *case.also}


# Codes whose world is made in a module of its own.
ELSEWHERE = {
    "test_reading.py": {"HBK1000", "HBK1001", "HBK1002", "HBK1003"},
    "test_certificates.py": {f"HBK11{n:02}" for n in range(1, 12)},
    "test_clusters.py": {"HBK1211", "HBK1308", "HBK1605", "HBK1710"},
}


def test_every_check_has_a_case() -> None:
    told = {case.code for case in CASES}.union(*ELSEWHERE.values())
    assert told == {check.code for check in CHECKS}
