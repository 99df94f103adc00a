"""Why single fields of the rendered manifests are as they are: the comments beside them."""

from __future__ import annotations

from typing import Any

_SWITCH = "metadata.annotations.serverless.openshift.io/disable-istio-net-policies-generation"
NOTES: dict[tuple[str, str], str] = {
    ("ServiceMeshControlPlane", "spec.security.dataPlane.mtls"): (
        "strict: only clients with a certificate of the mesh"
    ),
    (
        "ServiceMeshControlPlane",
        "spec.techPreview.meshConfig.defaultConfig.terminationDrainDuration",
    ): "Serverless drains 30 s; the proxy must outlive it",
    ("ServiceMeshControlPlane", "spec.security.manageNetworkPolicy"): (
        "then Serverless must make none either: see the annotation of KnativeServing"
    ),
    (
        "ServiceMeshControlPlane",
        "spec.gateways.ingress.service.metadata.labels.knative",
    ): "the Gateways' selector; net-istio finds the Service by it",
    ("Istio", "spec.values.meshConfig.defaultConfig.terminationDrainDuration"): (
        "Serverless drains 30 s; the proxy must outlive it"
    ),
    ("Istio", "spec.values.global.proxy.excludeInboundPorts"): (
        "called from outside the mesh: wait-for-drain by the kubelet, metrics by monitoring"
    ),
    ("Gateway", "spec.servers.*.tls.credentialName"): "the Secret beside the gateway's pods",
    ("Gateway", "spec.selector.knative"): "pods of the ingress gateway",
    ("Service", "metadata.labels.experimental.istio.io/disable-gateway-port-translation"): (
        "8081 is the listener's own port"
    ),
    ("Service", "metadata.labels.knative"): "net-istio finds the Service by the Gateways' selector",
    ("KnativeServing", _SWITCH): "the operator makes no NetworkPolicies",
    ("KnativeEventing", _SWITCH): "the operator makes no NetworkPolicies",
    ("KnativeEventing", "spec.config.features.istio"): "a DestinationRule for every channel's Service",
    ("KnativeKafka", "spec.sink"): "at spec level: below `broker` it would be dropped",
    ("ServiceEntry", "spec.exportTo.*"): "for this namespace only",
    ("ServiceEntry", "spec.resolution"): "brokers are called by the addresses that Kafka announces",
}
_VALUES: dict[tuple[str, str, Any], str] = {
    (
        "ServiceMeshControlPlane",
        "spec.proxy.networking.trafficControl.inbound.excludedPorts.*",
        8444,
    ): "metrics",
    (
        "ServiceMeshControlPlane",
        "spec.proxy.networking.trafficControl.inbound.excludedPorts.*",
        8022,
    ): "serving: wait-for-drain, the kubelet's pre-stop hook",
    ("Gateway", "spec.servers.*.tls.mode", "ISTIO_MUTUAL"): "clients of the mesh only",
    ("PeerAuthentication", "spec.mtls.mode", "STRICT"): "only clients with a certificate of the mesh",
}


def note_of(kind: str, path: tuple[str, ...], value: Any) -> str:
    """The comment of one field, or nothing."""
    dotted = ".".join(path)
    if isinstance(value, str | int) and (told := _VALUES.get((kind, dotted, value))):
        return told
    return NOTES.get((kind, dotted), "")
