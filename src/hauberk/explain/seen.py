"""A live cluster as the mesh's model reads it: the embedded one as it is, others put into the same words.

| elsewhere                              | read as                                                    |
|----------------------------------------|------------------------------------------------------------|
| a container `istio-proxy`              | a sidecar, or a gateway where its arguments say `router`   |
| an Istio of the Sail operator          | a control plane whose members are all injected namespaces  |
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.apierrors import ApiError
from hauberk.base.refs import Json, kind_of, labels_of, ref_of
from hauberk.kubeclient import Kube
from hauberk.kubeclient.discovery import UnknownKind
from hauberk.mesh import READS, Mesh, build
from hauberk.mesh.settings import CONTROL_PLANE, MEMBER_ROLL
from hauberk.ports import Snapshot
from hauberk.store.memory import Memory

ISTIO = "Istio.sailoperator.io"
ROUTE = "Route.route.openshift.io"
KINDS = tuple(dict.fromkeys((*READS, ISTIO, ROUTE, "Namespace")))
PROXY_CONTAINER, PROXY_IMAGE = "istio-proxy", "hauberk.local/proxyv2"


@dataclass(frozen=True)
class Seen:
    """The objects of one moment, and the mesh that they describe."""

    snapshot: Snapshot
    mesh: Mesh
    unread: tuple[str, ...] = ()  # kinds that may not be listed


async def fetch_seen(kube: Kube) -> Seen:
    """Everything that decides about traffic. Raises Problem when the API does not answer."""
    unread: list[str] = []

    async def ask(kind: str) -> Sequence[Json]:
        try:
            return await kube.list(kind)
        except UnknownKind:
            return ()
        except ApiError:
            unread.append(kind)
            return ()

    found = await asyncio.gather(*(ask(kind) for kind in KINDS))
    return seen_of((obj for objects in found for obj in objects), unread)


def seen_of(objects: Iterable[Json], unread: Iterable[str] = ()) -> Seen:
    """The mesh that these objects describe. Pure."""
    memory = Memory()
    for revision, obj in enumerate(adapted(objects), 1):
        memory.apply(ref_of(obj), obj, revision)
    return Seen(memory, build(memory), tuple(unread))


def adapted(objects: Iterable[Json]) -> list[Json]:
    """The objects in the words of the embedded mesh."""
    found = [_pod(obj) if kind_of(obj) == "Pod" else obj for obj in objects]
    namespaces = [obj for obj in found if kind_of(obj) == "Namespace"]
    for istio in [obj for obj in found if kind_of(obj) == ISTIO]:
        found += _control_plane(istio, namespaces)
    return found


def _pod(pod: Json) -> Json:
    spec = pod.get("spec") or {}
    parts = {key: [_container(c) for c in spec.get(key) or ()] for key in ("initContainers", "containers")}
    return {**pod, "spec": {**spec, **{k: v for k, v in parts.items() if v}}}


def _container(container: Json) -> Json:
    if container.get("name") != PROXY_CONTAINER:
        return container
    return {**container, "image": PROXY_IMAGE}


def _control_plane(istio: Json, namespaces: Sequence[Json]) -> list[Json]:
    spec = istio.get("spec") or {}
    root = str(spec.get("namespace") or "istio-system")
    config = (spec.get("values") or {}).get("meshConfig") or {}
    members = [ns["metadata"]["name"] for ns in namespaces if is_injected(ns)]
    meta: dict[str, Any] = {
        "namespace": root,
        "creationTimestamp": istio["metadata"].get("creationTimestamp"),
    }
    plane, roll = CONTROL_PLANE.partition("."), MEMBER_ROLL.partition(".")
    return [
        {
            "apiVersion": f"{plane[2]}/v2",
            "kind": plane[0],
            "metadata": {**meta, "name": istio["metadata"]["name"]},
            "spec": {"techPreview": {"meshConfig": config}},
        },
        {
            "apiVersion": f"{roll[2]}/v1",
            "kind": roll[0],
            "metadata": {**meta, "name": "default"},
            "status": {"configuredMembers": sorted({*members} - {root})},
        },
    ]


def is_injected(namespace: Json) -> bool:
    """Whether pods of the namespace get a sidecar without a word of their own."""
    labels = labels_of(namespace)
    return labels.get("istio-injection") == "enabled" or bool(labels.get("istio.io/rev"))
