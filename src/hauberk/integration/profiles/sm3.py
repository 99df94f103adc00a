"""OpenShift Service Mesh 3, with the corrections that upstream's own tests make to its document. Pure.

| the document for Service Mesh 3                  | here |
|---|---|
| the certificate in istio-system                  | beside the gateway's pods, in knative-serving-ingress |
| knative-serving-ingress is never created         | it is |
| config.istio names the Service of Service Mesh 2 | it names knative-istio-ingressgateway |
| no port is excluded                              | 8022, 8444, and 9090 from Serverless 1.38 |
| the autoscaler is strict                         | it is PERMISSIVE |
| streams end after 300 s without data             | they do not |
| the operator's NetworkPolicies are made          | they are not: none of them admits Istio |

Source: openshift-knative/serverless-operator hack/lib/mesh3.bash, hack/lib/mesh_v3_resources.
"""

from __future__ import annotations

from hauberk.integration.model import Integration
from hauberk.integration.profiles import gateways, knative, sail, steps
from hauberk.integration.profiles.objects import at_least
from hauberk.integration.profiles.sm2 import local_reason
from hauberk.integration.stages import Ready, Stage

OPERATOR = "the OpenShift Service Mesh 3 operator"
PORT_9090_SINCE = "1.38"


def stages(wanted: Integration) -> tuple[Stage, ...]:
    """The whole procedure."""
    more = (sail.CNI_NAMESPACE, wanted.gateway_namespace)
    rows = [
        steps.namespaces(wanted, *more),
        steps.certificate(wanted),
        sail.control_plane((sail.make_istio(wanted, _excluded(wanted)), sail.make_cni(wanted)), OPERATOR),
        sail.strictness(wanted),
        sail.members(wanted),
    ]
    if wanted.serving.enabled:
        rows += [_workload(wanted), _gateways(wanted), steps.serving(wanted, knative.make_serving(wanted))]
    if wanted.eventing.enabled:
        rows.append(steps.eventing(knative.make_eventing(wanted)))
    if wanted.kafka.enabled:
        rows += [steps.kafka_cluster(wanted, sail.ISTIO_API), steps.kafka(knative.make_kafka(wanted))]
    return (*rows, *steps.last(wanted))


def _excluded(wanted: Integration) -> str:
    later = at_least(wanted.versions.serverless, PORT_9090_SINCE)
    return "8022,8444,9090" if later else "8022,8444"


def _workload(wanted: Integration) -> Stage:
    objects = gateways.make_workload(wanted)
    deployment = steps.ready(objects[-1]).ref
    return Stage(
        name="35-ingress-gateway",
        title="Pods of the ingress gateway",
        why="Service Mesh 3 makes no gateway: this Deployment is turned into one by injection. Its "
        "ServiceAccount may read Secrets of its own namespace only, where the certificate is.",
        objects=objects,
        ready=(Ready(ref=deployment, condition="available", within_s=steps.OPERATOR_S),),
    )


def _gateways(wanted: Integration) -> Stage:
    return Stage(
        name="40-gateways",
        title="Gateways of Knative",
        why="Both Services are ClusterIP: traffic from outside comes through OpenShift Routes only. "
        + local_reason(wanted)
        + " The EnvoyFilter lifts Envoy's limit of 300 s for streams without data.",
        objects=(
            gateways.make_ingress_service(wanted, kind="ClusterIP"),
            *gateways.make_gateways(wanted, sail.ISTIO_API),
            gateways.make_local_service(wanted, gateways.pod_labels(wanted)),
            gateways.make_timeouts(wanted),
        ),
    )
