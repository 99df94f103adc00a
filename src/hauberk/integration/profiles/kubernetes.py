"""Any Kubernetes: upstream Istio by the Sail operator, upstream Knative by the Knative operator. Pure.

There are no Routes: the ingress gateway's Service is a LoadBalancer. The Knative operator brings both
Gateways itself, so what they serve is said in KnativeServing; it brings the local Gateway's Service for pods
labelled `istio: ingressgateway` in istio-system, so the gateway's pods have that label and are there.

Source: knative/operator pkg/reconciler/knativeserving/ingress/istio.go; knative-extensions/net-istio
config/203-local-gateway.yaml; knative.dev/docs/install/operator.
"""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.integration.model import Integration
from hauberk.integration.profiles import gateways, knative, sail, steps
from hauberk.integration.stages import Ready, Stage

EXCLUDED = "8022,9090"
ISTIO_LABEL = {"istio": "ingressgateway"}
DOMAIN_TEMPLATE = "{{.Name}}-{{.Namespace}}.{{.Domain}}"
RELEASES = "https://github.com/knative-extensions/{repo}/releases/download/knative-v{version}.0/{file}"


def stages(wanted: Integration) -> tuple[Stage, ...]:
    """The whole procedure."""
    rows = [
        steps.namespaces(wanted),
        steps.certificate(wanted),
        sail.control_plane((sail.make_istio(wanted, EXCLUDED),), "the Sail operator"),
        sail.strictness(wanted),
        sail.members(wanted),
    ]
    if wanted.serving.enabled:
        rows += [_gateway(wanted), steps.serving(wanted, _serving(wanted))]
    if wanted.kafka.enabled:
        rows.append(steps.kafka_cluster(wanted, sail.ISTIO_API))
    if wanted.eventing.enabled:
        rows.append(steps.eventing(_eventing(wanted)))
    rows.sort(key=lambda stage: stage.name)
    return (*rows, *steps.last(wanted))


def _gateway(wanted: Integration) -> Stage:
    workload = gateways.make_workload(wanted, ISTIO_LABEL)
    service = gateways.make_ingress_service(wanted, kind="LoadBalancer", extra=ISTIO_LABEL)
    return Stage(
        name="35-ingress-gateway",
        title="Ingress gateway",
        why="A Deployment that injection turns into a gateway, and the LoadBalancer before it. The names "
        "and the label `istio: ingressgateway` are those that the Knative operator's own objects "
        "look for. The EnvoyFilter lifts Envoy's limit of 300 s for streams without data.",
        objects=(*workload, service, gateways.make_timeouts(wanted)),
        ready=(Ready(ref=steps.ready(workload[-1]).ref, condition="available", within_s=steps.OPERATOR_S),),
    )


def _serving(wanted: Integration) -> Json:
    """KnativeServing with what OpenShift's operator would fill in by itself."""
    selector = gateways.pod_labels(wanted)
    ingress = {
        "knative-ingress-gateway": {"selector": selector, "servers": [gateways.ingress_server(wanted)]},
        "knative-local-gateway": {"selector": selector, "servers": [gateways.local_server(wanted)]},
    }
    network = {
        "ingress-class": "istio.ingress.networking.knative.dev",
        "domain-template": DOMAIN_TEMPLATE,
        "default-external-scheme": "https",
        "autocreate-cluster-domain-claims": "true",
    }
    return knative.make_serving(
        wanted,
        config={"domain": {wanted.domain: ""}, "network": network},
        ingress=ingress,
        version=wanted.versions.knative,
    )


def _release(wanted: Integration, repo: str, file: str) -> Json:
    version = ".".join(wanted.versions.knative.split(".")[:2])
    return {"URL": RELEASES.format(repo=repo, version=version, file=file)}


def _eventing(wanted: Integration) -> Json:
    """KnativeEventing; the parts that OpenShift's operator brings come as additional manifests."""
    manifests = [_release(wanted, "eventing-istio", "eventing-istio.yaml")]
    config: dict[str, Json] = {}
    if wanted.kafka.enabled:
        parts = [part for part in ("broker", "channel", "source", "sink") if getattr(wanted.kafka, part)]
        files = [f"eventing-kafka-{part}.yaml" for part in ("controller", *parts)]
        manifests += [_release(wanted, "eventing-kafka-broker", file) for file in files]
        config = _kafka_config(wanted)
    obj = knative.make_eventing(
        wanted, config=config, version=wanted.versions.knative, additionalManifests=manifests
    )
    if not wanted.kafka.enabled:
        return obj
    spec = {**obj["spec"], "workloads": [*obj["spec"]["workloads"], *knative.kafka_workloads(wanted)]}
    return {**obj, "spec": spec}


def _kafka_config(wanted: Integration) -> dict[str, Json]:
    servers = ",".join(wanted.kafka.bootstrap_servers)
    broker = {
        "bootstrap.servers": servers,
        "default.topic.partitions": str(wanted.kafka.partitions),
        "default.topic.replication.factor": str(wanted.kafka.replication),
    }
    rows = {"kafka-broker-config": broker, "kafka-channel-config": {"bootstrap.servers": servers}}
    asked = {"kafka-broker-config": wanted.kafka.broker, "kafka-channel-config": wanted.kafka.channel}
    return {name: data for name, data in rows.items() if asked[name]}
