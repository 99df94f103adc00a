"""OpenShift Service Mesh 2: the document, its steps in an order that works. Pure."""

from __future__ import annotations

from typing import Any

from hauberk.integration.model import Integration
from hauberk.integration.profiles import gateways, knative, steps
from hauberk.integration.profiles.objects import make
from hauberk.integration.stages import Ready, Stage

ISTIO_API = "networking.istio.io/v1alpha3"
EXCLUDED_PORTS = (8444, 8022)
DRAIN = "35s"


def stages(wanted: Integration) -> tuple[Stage, ...]:
    """The whole procedure."""
    rows = [steps.namespaces(wanted), steps.certificate(wanted), _control_plane(wanted), _members(wanted)]
    rows += steps.webhooks(wanted)
    if wanted.serving.enabled:
        rows += [_gateways(wanted), steps.serving(wanted, knative.make_serving(wanted))]
    if wanted.eventing.enabled:
        rows.append(steps.eventing(knative.make_eventing(wanted)))
    if wanted.kafka.enabled:
        rows += [steps.kafka_cluster(wanted, ISTIO_API), steps.kafka(knative.make_kafka(wanted))]
    return (*rows, *steps.last(wanted))


def _control_plane(wanted: Integration) -> Stage:
    security: dict[str, Any] = {"dataPlane": {"mtls": True}}
    if not wanted.network_policies.mesh:
        security["manageNetworkPolicy"] = False
    version = wanted.versions.service_mesh
    spec: dict[str, Any] = {
        **({"version": f"v{'.'.join(version.split('.')[:2])}"} if isinstance(version, str) else {}),
        "profiles": ["default"],
        "security": security,
        "techPreview": {"meshConfig": {"defaultConfig": {"terminationDrainDuration": DRAIN}}},
        "gateways": {
            "ingress": {"service": {"metadata": {"labels": gateways.pod_labels(wanted)}}},
        },
        "proxy": {
            "networking": {"trafficControl": {"inbound": {"excludedPorts": list(EXCLUDED_PORTS)}}},
        },
    }
    plane = make(
        "maistra.io/v2", "ServiceMeshControlPlane", wanted.mesh_name, wanted.mesh.namespace, spec=spec
    )
    return Stage(
        name="20-control-plane",
        title="Service mesh control plane, strict mTLS",
        why="mtls: true is strict: only calls with a certificate of the mesh are accepted. Proxies drain "
        "for longer than Serverless, which takes 30 s. The label gives the ingress gateway a "
        "selector of its own. The excluded ports are called by the kubelet and by monitoring, which "
        "are not in the mesh.",
        objects=(plane,),
        ready=(steps.ready(plane),),
    )


def _members(wanted: Integration) -> Stage:
    roll = make(
        "maistra.io/v1",
        "ServiceMeshMemberRoll",
        "default",
        wanted.mesh.namespace,
        spec={"members": list(wanted.members)},
    )
    return Stage(
        name="30-members",
        title="Members of the mesh",
        why="Knative's own namespaces must be among them, and every namespace with Knative services.",
        objects=(roll,),
        ready=(
            Ready(
                ref=steps.ready(roll).ref,
                condition="configured",
                within_s=steps.SOON_S,
            ),
        ),
    )


def _gateways(wanted: Integration) -> Stage:
    service = gateways.make_local_service(wanted, {"istio": "ingressgateway"})
    return Stage(
        name="40-gateways",
        title="Gateways of Knative",
        why=f"The ingress Gateway serves the domain's certificate from the Secret "
        f"{wanted.certificate.secret_name}. " + local_reason(wanted),
        objects=(*gateways.make_gateways(wanted, ISTIO_API), service),
    )


def local_reason(wanted: Integration) -> str:
    """Who can use the local Gateway."""
    if wanted.local_mtls:
        return "The local Gateway demands a certificate of the mesh: others must use the external domain."
    return "The local Gateway is plain HTTP: anything in the cluster that reaches its Service can call."
