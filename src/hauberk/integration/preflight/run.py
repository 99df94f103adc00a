"""Asking the cluster everything that the preflight judges; nothing is changed."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping, Sequence

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration.leftovers import webhook_services
from hauberk.integration.model import Integration
from hauberk.integration.preflight import cluster, edges, mesh, versions
from hauberk.integration.preflight.cluster import VERBS, Permission
from hauberk.integration.preflight.edges import Dialled
from hauberk.integration.preflight.mesh import Gate
from hauberk.integration.preflight.reader import (
    CSV,
    GATEWAY,
    HOOKS,
    INGRESS,
    ISTIO,
    SERVING,
    SMCP,
    SMMR,
    Reader,
    without_guesses,
)
from hauberk.integration.preflight.rows import Row
from hauberk.integration.stages import Stage, objects_of
from hauberk.kubeclient import Kube

DIAL_S = 3.0


async def preflight(
    kube: Kube, integration: Integration, stages: Sequence[Stage], now: datetime.datetime
) -> tuple[Row, ...]:
    """Every row, in the order of reading. Raises Problem when the API cannot be asked at all."""
    read, served = Reader(kube), await kube.kinds(fresh=True)
    rows = [cluster.judge_kinds(stages, served)]
    rows += await _operators(read, integration)
    rows.append(cluster.judge_permissions(await fetch_permissions(kube, stages)))
    rows += await _mesh(read, integration, stages)
    rows.append(await _webhooks(read))
    ingress = await read.find(Ref(INGRESS, "", "cluster"))
    rows.append(edges.judge_domain(integration, ingress))
    secret = Ref("Secret", integration.gateway_namespace, integration.certificate.secret_name)
    rows.append(edges.judge_certificate(integration, await read.find(secret), now))
    if integration.kafka.enabled:
        servers = integration.kafka.bootstrap_servers
        rows.append(edges.judge_kafka([await _dial(read, server) for server in servers]))
    return without_guesses(rows, read.refused)


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


async def _operators(read: Reader, integration: Integration) -> tuple[Row, ...]:
    csvs = await read.list(CSV)
    found = versions.operators_of(csvs, await read.list("Deployment.apps"))
    embedded = versions.is_embedded(await read.kube.version())
    knative, mesh_products = versions.NEEDED[integration.profile]
    kinds = versions.KINDS[integration.profile]
    rows = (("operator of Knative", knative, kinds[0]), ("operator of the mesh", mesh_products, kinds[1]))
    judged = [
        versions.judge_operator(title, products, kind, await read.kube.knows(kind), found, embedded=embedded)
        for title, products, kind in rows
    ]
    return (*judged, versions.judge_together(integration.profile, found, embedded=embedded))


async def _mesh(read: Reader, integration: Integration, stages: Sequence[Stage]) -> tuple[Row, ...]:
    rolls = await read.list(SMMR)
    meshes = mesh.meshes_of(await read.list(SMCP), rolls, await read.list(ISTIO))
    gate = gate_of(integration, stages)
    gateways, pods = await read.list(GATEWAY), await read.list("Pod", gate.namespace)
    ours = plane_of(integration)
    members = mesh.judge_members(rolls, integration.mesh.namespace, integration.members, await _spaces(read))
    serving = await read.find(Ref(SERVING, "knative-serving", "knative-serving"))
    services = await read.list("Service", gate.namespace)
    return (
        mesh.judge_conflicts(mesh.conflicting(gateways, pods, meshes, gate)),
        cluster.judge_exposure(integration.profile, services, gate.pod_labels),
        mesh.judge_meshes(meshes, ours, integration.members),
        *members,
        cluster.judge_order(serving, await read.find(ours)),
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


async def _webhooks(read: Reader) -> Row:
    found = [obj for kind in HOOKS for obj in await read.list(kind)]
    services = {service for obj in found for service in webhook_services(obj)}
    ready = {service: await _has_endpoints(read, service) for service in services}
    return cluster.judge_webhooks(found, ready)


async def _has_endpoints(read: Reader, service: Ref) -> bool | None:
    if await read.find(service) is None:
        return None
    labels = {"kubernetes.io/service-name": service.name}
    slices = await read.list("EndpointSlice.discovery.k8s.io", service.namespace, labels)
    ready = (
        (e.get("conditions") or {}).get("ready") is not False
        for s in slices
        for e in s.get("endpoints") or ()
    )
    return any(ready)


async def _spaces(read: Reader) -> Mapping[str, Json]:
    return {ns["metadata"]["name"]: ns for ns in await read.list("Namespace")}


async def _dial(read: Reader, server: str) -> Dialled:
    service = edges.service_of(server)
    if service is not None:
        there = await _has_endpoints(read, service)
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
