"""A cluster as a world: every kind that some check reads, asked for once, page by page. Only reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hauberk.base.apierrors import ApiError, Forbidden
from hauberk.base.refs import Json, ref_of
from hauberk.checks import knative, mesh
from hauberk.checks.judges import (
    authorization,
    eventing,
    kafka,
    membership,
    monitoring,
    secrets,
    services,
    serving,
)
from hauberk.checks.judges.secrets import SIZE
from hauberk.checks.world import Item, World
from hauberk.kubeclient import Kube, problem_of

KINDS: tuple[str, ...] = (
    *mesh.PLANES, mesh.SMMR, mesh.SMM, mesh.ISTIO_CNI, mesh.GATEWAY, mesh.PEER_AUTHENTICATION, mesh.SERVICE,
    "Namespace", "Pod", "ServiceAccount",
    knative.SERVING, knative.EVENTING, knative.KAFKA, knative.KSVC, secrets.DOMAIN_MAPPING, serving.ROUTE,
    *membership.WEBHOOKS, *eventing.SOURCES, *eventing.PROBED, eventing.JOB_SINK, eventing.TRANSFORM,
    eventing.DESTINATION_RULE, kafka.ENTRY, authorization.POLICY, services.ENVOY_FILTER,
    monitoring.NETWORK_POLICY, monitoring.SERVICE_MONITOR, secrets.SECRET, secrets.INGRESS_CONFIG,
    "Job.batch", "CronJob.batch",
)  # fmt: skip
AT_ONCE = 6
PAGE = 500
PAGES = {"Secret": 50}  # they are large, and little of them is kept
_POD_KEYS = ("containers", "initContainers")


@dataclass(frozen=True, slots=True)
class Seen:
    """The world, and the kinds that we may not read: checks that need them stay silent."""

    world: World
    forbidden: tuple[str, ...]


async def fetch_world(kube: Kube, *, now: float) -> Seen:
    """Everything that the checks read. Raises Problem when the cluster cannot be reached."""
    served = await kube.kinds()
    wanted = [kind for kind in KINDS if kind in served]
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(kind: str) -> tuple[Item, ...] | None:
        async with gate:
            return await _items(kube, kind)

    found = dict(zip(wanted, await asyncio.gather(*(one(kind) for kind in wanted)), strict=True))
    listed = frozenset(kind for kind, items in found.items() if items is not None)
    items = tuple(item for some in found.values() for item in some or ())
    world = World(items, now, live=True, listed=listed, served=frozenset(served))
    return Seen(world, tuple(kind for kind in wanted if kind not in listed))


async def _items(kube: Kube, kind: str) -> tuple[Item, ...] | None:
    """Every object of a kind, slimmed page by page; None when we may not read it."""
    row = await kube.resource(kind)
    out: list[Item] = []
    params = {"limit": str(PAGES.get(kind, PAGE))}
    named = {"apiVersion": row.api_version, "kind": row.bare_kind}
    try:
        while True:
            page = await kube.request("GET", row.path(""), params=params)
            objs = ({**named, **obj} for obj in page.get("items") or ())
            out += [Item(_slim(kind, obj), ref_of(obj)) for obj in objs]
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return tuple(out)
            params["continue"] = token
    except Forbidden:
        return None
    except ApiError as error:
        raise problem_of(error, f"list {kind}") from error


def _slim(kind: str, obj: Json) -> Json:
    """What the checks read of an object; the rest of thousands of pods need not be kept."""
    meta = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    if kind == "Secret":
        kept = {k: v for k, v in (obj.get("data") or {}).items() if k in ("tls.crt", "tls.key", "ca.crt")}
        tls = obj.get("type") == secrets.TLS_TYPE
        size = sum(len(str(v)) for v in (obj.get("data") or {}).values())
        return {**obj, "metadata": meta, "data": kept if tls else {}, SIZE: size}
    if kind == "Pod":
        spec = obj.get("spec") or {}
        names = {k: [{"name": c.get("name")} for c in spec.get(k) or ()] for k in _POD_KEYS}
        phase = (obj.get("status") or {}).get("phase")
        return {**obj, "metadata": meta, "spec": names, "status": {"phase": phase}}
    return {**obj, "metadata": meta}
