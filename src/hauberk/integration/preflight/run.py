"""Asking the cluster everything that the preflight judges; nothing is changed."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping, Sequence

from hauberk.base.apierrors import ApiError
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration.leftovers import WEBHOOKS, webhook_services
from hauberk.integration.model import Integration
from hauberk.integration.preflight import cluster, edges, mesh, versions
from hauberk.integration.preflight.cluster import VERBS, Permission
from hauberk.integration.preflight.edges import Dialled
from hauberk.integration.preflight.mesh import Gate
from hauberk.integration.preflight.rows import Row
from hauberk.integration.stages import Stage, objects_of
from hauberk.kubeclient import Kube
from hauberk.kubeclient.discovery import UnknownKind

SMCP, SMMR, ISTIO = (
    "ServiceMeshControlPlane.maistra.io",
    "ServiceMeshMemberRoll.maistra.io",
    "Istio.sailoperator.io",
)
GATEWAY = "Gateway.networking.istio.io"
DIAL_S = 3.0


async def preflight(
    kube: Kube, integration: Integration, stages: Sequence[Stage], now: datetime.datetime
) -> tuple[Row, ...]:
    """Every row, in the order of reading. Raises Problem when the API cannot be asked at all."""
    served = await kube.kinds(fresh=True)
    rows = [cluster.judge_kinds(stages, served)]
    rows += await _operators(kube, integration)
    rows.append(cluster.judge_permissions(await fetch_permissions(kube, stages)))
    rows += await _mesh(kube, integration, stages)
    rows.append(await _webhooks(kube))
    ingress = await kube.find(Ref("Ingress.config.openshift.io", "", "cluster"))
    rows.append(edges.judge_domain(integration, ingress))
    secret = Ref("Secret", integration.gateway_namespace, integration.certificate.secret_name)
    rows.append(edges.judge_certificate(integration, await _find(kube, secret), now))
    if integration.kafka.enabled:
        servers = integration.kafka.bootstrap_servers
        rows.append(edges.judge_kafka([await _dial(kube, server) for server in servers]))
    return tuple(rows)


async def fetch_permissions(kube: Kube, stages: Sequence[Stage]) -> tuple[Permission, ...]:
    """What we may do with the kinds of the stages, each namespace and verb asked once."""
    served = await kube.kinds()
    places = {(r.kind, r.namespace) for r in map(ref_of, objects_of(stages)) if r.kind in served}
    places |= {(ref.kind, ref.namespace) for stage in stages for ref in stage.secrets}
    asked = [
        Permission(verb=verb, resource=served[kind].plural, group=served[kind].group, namespace=namespace)
        for kind, namespace in sorted(places)
        for verb in VERBS
    ]

    async def ask(one: Permission) -> Permission:
        allowed = await kube.may(one.verb, one.resource, one.group, one.namespace)
        return Permission(
            verb=one.verb,
            resource=one.resource,
            group=one.group,
            namespace=one.namespace,
            allowed=allowed,
        )

    return tuple(await asyncio.gather(*(ask(one) for one in asked)))


async def _operators(kube: Kube, integration: Integration) -> tuple[Row, ...]:
    csvs = await _list(kube, "ClusterServiceVersion.operators.coreos.com")
    found = versions.operators_of(csvs, await _list(kube, "Deployment.apps"))
    embedded = versions.is_embedded(await kube.version())
    knative, mesh_products = versions.NEEDED[integration.profile]
    kinds = versions.KINDS[integration.profile]
    rows = (("operator of Knative", knative, kinds[0]), ("operator of the mesh", mesh_products, kinds[1]))
    judged = [
        versions.judge_operator(title, products, kind, await kube.knows(kind), found, embedded=embedded)
        for title, products, kind in rows
    ]
    return (*judged, versions.judge_together(integration.profile, found, embedded=embedded))


async def _mesh(kube: Kube, integration: Integration, stages: Sequence[Stage]) -> tuple[Row, ...]:
    rolls = await _list(kube, SMMR)
    meshes = mesh.meshes_of(await _list(kube, SMCP), rolls, await _list(kube, ISTIO))
    gate = gate_of(integration, stages)
    gateways, pods = await _list(kube, GATEWAY), await _list(kube, "Pod", gate.namespace)
    ours = plane_of(integration)
    members = mesh.judge_members(rolls, integration.mesh.namespace, integration.members, await _spaces(kube))
    serving = await _find(
        kube, Ref("KnativeServing.operator.knative.dev", "knative-serving", "knative-serving")
    )
    services = await _list(kube, "Service", gate.namespace)
    return (
        mesh.judge_conflicts(mesh.conflicting(gateways, pods, meshes, gate)),
        cluster.judge_exposure(integration.profile, services, gate.pod_labels),
        mesh.judge_meshes(meshes, ours, integration.members),
        *members,
        cluster.judge_order(serving, await _find(kube, ours)),
    )


def plane_of(integration: Integration) -> Ref:
    """The name of the integration's control plane."""
    if integration.profile == "sm2":
        return Ref(SMCP, integration.mesh.namespace, integration.mesh_name)
    return Ref(ISTIO, "", integration.mesh_name)


def gate_of(integration: Integration, stages: Sequence[Stage]) -> Gate:
    """The ingress gateway as it will be: its pods' labels from its Deployment, or those of Maistra's."""
    labels: dict[str, str] = {"knative": integration.gateways.label}
    objects = objects_of(stages)
    for obj in objects:
        if obj["kind"] == "Deployment" and obj["metadata"].get("namespace") == integration.gateway_namespace:
            labels |= obj["spec"]["template"]["metadata"].get("labels") or {}
    if integration.profile == "sm2":
        labels |= {"istio": "ingressgateway", "app": "istio-ingressgateway"}
    return Gate(
        namespace=integration.gateway_namespace,
        mesh_namespace=integration.mesh.namespace,
        pod_labels=labels,
        ours=frozenset(ref for ref in map(ref_of, objects) if ref.kind == GATEWAY),
    )


async def _webhooks(kube: Kube) -> Row:
    kinds = [f"{name}.admissionregistration.k8s.io" for name in WEBHOOKS]
    found = [obj for kind in kinds for obj in await _list(kube, kind)]
    services = {service for obj in found for service in webhook_services(obj)}
    ready = {service: await _has_endpoints(kube, service) for service in services}
    return cluster.judge_webhooks(found, ready)


async def _has_endpoints(kube: Kube, service: Ref) -> bool | None:
    if await _find(kube, service) is None:
        return None
    labels = {"kubernetes.io/service-name": service.name}
    slices = await _list(kube, "EndpointSlice.discovery.k8s.io", service.namespace, labels)
    ready = (
        (e.get("conditions") or {}).get("ready") is not False
        for s in slices
        for e in s.get("endpoints") or ()
    )
    return any(ready)


async def _spaces(kube: Kube) -> Mapping[str, Json]:
    return {ns["metadata"]["name"]: ns for ns in await _list(kube, "Namespace")}


async def _dial(kube: Kube, server: str) -> Dialled:
    service = edges.service_of(server)
    if service is not None:
        there = await _has_endpoints(kube, service)
        told = {
            None: "no such Service",
            False: "its Service has no ready pod",
            True: "its Service has ready pods",
        }
        return Dialled(server=server, how="by the API", reached=bool(there), detail=told[there])
    host, _, port = server.rpartition(":")
    try:
        async with asyncio.timeout(DIAL_S):
            _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
    except TimeoutError:
        return Dialled(
            server=server, how="from this machine", reached=False, detail=f"no answer in {DIAL_S:g} s"
        )
    except OSError as error:
        detail = error.strerror or str(error)
        return Dialled(server=server, how="from this machine", reached=False, detail=detail)
    return Dialled(server=server, how="from this machine", reached=True, detail="accepts connections")


async def _find(kube: Kube, ref: Ref) -> Json | None:
    try:
        return await kube.find(ref)
    except ApiError:
        return None


async def _list(
    kube: Kube, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
) -> Sequence[Json]:
    """What may be read; a row that misses it says less."""
    try:
        return await kube.list(kind, namespace, labels)
    except (ApiError, UnknownKind):
        return ()
