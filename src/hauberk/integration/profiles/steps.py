"""The stages that every profile has, each with what must be ready before the next. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration.model import EVENTING, SERVING, Integration, Issuer
from hauberk.integration.profiles import knative
from hauberk.integration.profiles.objects import INJECT, REWRITE, SECRET_LABEL, make
from hauberk.integration.profiles.tenants import make_policies
from hauberk.integration.stages import Ready, Stage

PASSTHROUGH = "serving.knative.openshift.io/enablePassthrough"
OPERATOR_S = 600.0  # an operator that pulls images
SOON_S = 120.0
_MONITORED = "allow-from-monitoring"
# The webhooks by namespace: name of the policy, label of the pods.
# Source: serverless-operator openshift-knative-operator/pkg/serving/ingress.go and
# pkg/istio/eventingistio/istio.go.
_WEBHOOKS = {
    SERVING: (("webhook", {"app": "webhook"}), ("net-istio-webhook", {"app": "net-istio-webhook"})),
    EVENTING: (
        ("allow-eventing-webhook", {"app": "eventing-webhook"}),
        ("allow-imc-webhook", {"app.kubernetes.io/component": "imc-controller"}),
        ("allow-kafka-webhook-eventing", {"app": "kafka-webhook-eventing"}),
    ),
}


def ready(obj: Json, condition: str = "Ready", within_s: float = OPERATOR_S) -> Ready:
    """Wait for a condition of the object."""
    return Ready(ref=ref_of(obj), condition=condition, within_s=within_s)


def namespaces(wanted: Integration, *more: str) -> Stage:
    """The namespaces of the mesh and of Knative; those of members exist already."""
    names = [wanted.mesh.namespace, *more]
    names += [SERVING] if wanted.serving.enabled else []
    names += [EVENTING] if wanted.eventing.enabled else []
    return Stage(
        name="10-namespaces",
        title="Namespaces",
        why="They come first: the certificate's Secret needs the gateway's namespace, and the mesh must "
        "know Knative's before Knative is installed in it.",
        objects=tuple(make("v1", "Namespace", name) for name in dict.fromkeys(names)),
    )


def certificate(wanted: Integration) -> Stage:
    """The certificate for incoming traffic, where the gateway's pods can read it."""
    secret = Ref("Secret", wanted.gateway_namespace, wanted.certificate.secret_name)
    asked = tuple(_certificates(wanted)) if wanted.certificate.source == "cert-manager" else ()
    rows = [ready(obj, within_s=SOON_S) for obj in asked]
    if not asked:
        rows = [Ready(ref=secret, condition="exists", within_s=SOON_S)]
    ours = wanted.certificate.source in ("generate", "ca")
    return Stage(
        name="15-certificate",
        title="Certificate for incoming traffic",
        why="The mesh's own mTLS covers only what is between the ingress gateway and the sidecars; TLS "
        "at the cluster's edge needs a certificate for the domain, in a Secret beside the gateway's "
        "pods.",
        objects=asked,
        ready=tuple(rows),
        secrets=(secret,) if ours else (),
    )


def _certificates(wanted: Integration) -> Iterator[Json]:
    source = wanted.certificate
    yield _certificate(wanted, source.secret_name, wanted.gateway_namespace, list(wanted.certificate_hosts))
    for domain in source.custom_domains:
        yield _certificate(wanted, domain.secret, domain.namespace, [domain.host])


def _certificate(wanted: Integration, name: str, namespace: str, hosts: list[str]) -> Json:
    source = wanted.certificate
    kind, _, size = source.key.partition("-")
    private = {"algorithm": kind.upper(), "size": int(size.removeprefix("p"))}
    assert isinstance(source.issuer, Issuer), "rules demand it"
    spec = {
        "secretName": name,
        "secretTemplate": {"labels": {SECRET_LABEL: name}},
        "duration": f"{source.days * 24}h",
        "dnsNames": hosts,
        "privateKey": {**private, "rotationPolicy": "Always"},
        "issuerRef": {
            "group": "cert-manager.io",
            "kind": source.issuer.kind,
            "name": source.issuer.name,
        },
    }
    return make("cert-manager.io/v1", "Certificate", name, namespace, spec=spec)


def serving(wanted: Integration, obj: Json) -> Stage:
    """Knative Serving."""
    return Stage(
        name="50-knative-serving",
        title="Knative Serving in the mesh",
        why="Istio is the ingress, so that every request passes the mesh; the activator and the "
        "autoscaler get sidecars, because they stand between the gateway and the services and speak "
        f"mTLS to both. config.istio names the Services of the Gateways in {wanted.gateway_namespace}.",
        objects=(obj,),
        ready=(ready(obj),),
    )


def eventing(obj: Json) -> Stage:
    """Knative Eventing."""
    return Stage(
        name="60-knative-eventing",
        title="Knative Eventing in the mesh",
        why="features.istio starts a controller that makes a DestinationRule for the Service of every "
        "InMemoryChannel and KafkaChannel: they are ExternalNames, which the mesh has no mTLS for by "
        "itself.",
        objects=(obj,),
        ready=(ready(obj),),
    )


def kafka_cluster(wanted: Integration, api: str) -> Stage:
    """The way to the Kafka cluster, before anything wants to go it."""
    return Stage(
        name="65-kafka-cluster",
        title="The Kafka cluster, outside the mesh",
        why="Tells the mesh about the traffic to Kafka, which is TCP to brokers without sidecars. Each "
        "port has a name of its own: Istio refuses a ServiceEntry whose port names repeat.",
        objects=knative.make_kafka_entries(wanted, api),
    )


def kafka(obj: Json) -> Stage:
    """Knative's Kafka components."""
    return Stage(
        name="70-knative-kafka",
        title="Kafka broker, channel, source and sink in the mesh",
        why="`sink` stands at the level of spec: the operator's schema drops it below `broker`, and "
        "KafkaSink would be off without a word.",
        objects=(obj,),
        ready=(ready(obj),),
    )


def webhooks(wanted: Integration) -> Iterator[Stage]:
    """Let the API server call Knative's webhooks where the mesh's NetworkPolicies stand alone."""
    on = {SERVING: wanted.serving.enabled, EVENTING: wanted.eventing.enabled}
    objects = tuple(
        make(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            name,
            namespace,
            spec={"podSelector": {"matchLabels": labels}, "ingress": [{}], "policyTypes": ["Ingress"]},
        )
        for namespace, rows in _WEBHOOKS.items()
        if on[namespace]
        for name, labels in rows
        if wanted.kafka.enabled or "kafka" not in name
    )
    if _mesh_policies_alone(wanted):
        yield Stage(
            name="35-webhooks",
            title="The API server may call Knative's webhooks",
            why="The control plane's NetworkPolicies admit members of the mesh only, the API server is none, "
            "and the operator was told to make no policies of its own.",
            objects=objects,
        )


def _mesh_policies_alone(wanted: Integration) -> bool:
    return wanted.profile == "sm2" and wanted.network_policies.mesh and not wanted.operator_policies


def monitoring(wanted: Integration) -> Stage:
    """Let the cluster's monitoring in where the mesh's NetworkPolicies stand alone."""
    label = {"kubernetes.io/metadata.name": wanted.metrics.namespace}
    rule = {"from": [{"namespaceSelector": {"matchLabels": label}}]}
    spec = {"podSelector": {}, "ingress": [rule], "policyTypes": ["Ingress"]}
    where = [SERVING] if wanted.serving.enabled else []
    where += [EVENTING] if wanted.eventing.enabled else []
    return Stage(
        name="80-monitoring",
        title="The cluster's monitoring may scrape",
        why="The control plane's NetworkPolicies admit members of the mesh only, and the operator was "
        "told to make none of its own. The label is the one that every namespace has: "
        f"{wanted.metrics.namespace} carries no label `name`.",
        objects=tuple(make("networking.k8s.io/v1", "NetworkPolicy", _MONITORED, n, spec=spec) for n in where),
    )


def tenants(wanted: Integration) -> Stage:
    """Keep tenants apart."""
    return Stage(
        name="85-tenants",
        title="Tenants kept apart",
        why="Applied after Knative is ready: a denial without its permissions would stop the autoscaler. "
        "Calls to a service's external domain stay allowed to everybody; cluster-local calls of "
        "other tenants get 403.",
        objects=make_policies(wanted),
    )


def domains(wanted: Integration) -> Stage:
    """Custom domains."""
    objects = tuple(
        make(
            "serving.knative.dev/v1beta1",
            "DomainMapping",
            d.host,
            d.namespace,
            spec={
                "ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": d.service},
                "tls": {"secretName": d.secret},
            },
        )
        for d in wanted.certificate.custom_domains
    )
    ours = wanted.certificate.source in ("generate", "ca")
    secrets = [Ref("Secret", d.namespace, d.secret) for d in wanted.certificate.custom_domains]
    return Stage(
        name="90-custom-domains",
        title="Hosts outside the cluster's domain",
        why="The wildcard certificate is for the cluster's domain; any other host needs a DomainMapping, "
        f"with its certificate in the service's namespace, labelled {SECRET_LABEL}.",
        objects=objects,
        secrets=tuple(secrets) if ours else (),
    )


def last(wanted: Integration) -> Iterator[Stage]:
    """The stages after Knative, in their order, those that the integration wants."""
    if wanted.metrics.enabled and _mesh_policies_alone(wanted):
        yield monitoring(wanted)
    if wanted.tenants:
        yield tenants(wanted)
    if wanted.certificate.custom_domains:
        yield domains(wanted)


def make_service(wanted: Integration, namespace: str, name: str, image: str) -> Json:
    """A Knative service as the document wants each: with a sidecar, TLS passed through to the gateway."""
    sidecar = {INJECT: "true", REWRITE: "true"}
    if wanted.profile == "sm2":
        template: Json = {"annotations": sidecar}
    else:
        labels = {INJECT: "true", **knative.revision_labels(wanted)}
        template = {"labels": labels, "annotations": {REWRITE: "true"}}
    annotations = {} if wanted.profile == "kubernetes" else {PASSTHROUGH: "true"}
    spec = {"template": {"metadata": template, "spec": {"containers": [{"image": image}]}}}
    return make("serving.knative.dev/v1", "Service", name, namespace, annotations=annotations, spec=spec)
