"""Wiring of the ServerlessService controller."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, controller_of, labels_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.ports import Snapshot
from hauberk.serving.config import network
from hauberk.serving.config.reading import SYSTEM, data_of, wakes_all
from hauberk.serving.names import DEPLOYMENT, DESTINATION_RULE, L_SKS, SKS, VIRTUAL_SERVICE
from hauberk.serving.serverlessservice.make import Address, private_name
from hauberk.serving.serverlessservice.plan import World, plan

SLICE = "EndpointSlice.discovery.k8s.io"
SLICE_OF = "kubernetes.io/service-name"
ACTIVATOR_SERVICE = "activator-service"


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one ServerlessService, its Deployment's selector and the two sets of endpoints."""
    sks = snapshot.get(ref)
    if sks is None:
        return None
    target = (sks["spec"].get("objectRef") or {}).get("name", "")
    deployment = snapshot.get(Ref(DEPLOYMENT, ref.namespace, target)) or {}
    selector = ((deployment.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return World(
        sks=sks,
        selector=selector,
        pods=ready_addresses(snapshot, ref.namespace, private_name(sks)),
        activators=ready_addresses(snapshot, SYSTEM, ACTIVATOR_SERVICE),
        foreign=_foreign(snapshot, sks),
        pod_addressable=network.parse_network(data_of(snapshot, network.NAME)).pod_addressability,
    )


def ready_addresses(snapshot: Snapshot, namespace: str, service: str) -> tuple[Address, ...]:
    """The ready endpoints of a Service."""
    found = set()
    for part in snapshot.list(SLICE, namespace, {SLICE_OF: service}):
        for endpoint in part.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready", True):
                pod = endpoint.get("targetRef") or {}
                node = endpoint.get("nodeName", "")
                place = (pod.get("name", ""), pod.get("namespace", ""), pod.get("uid", ""))
                found |= {Address(ip, node, *place) for ip in endpoint.get("addresses") or ()}
    return tuple(sorted(found))


def _foreign(snapshot: Snapshot, sks: Json) -> str:
    meta = sks["metadata"]
    for kind, name in (
        ("Service", meta["name"]),
        ("Service", private_name(sks)),
        ("Endpoints", meta["name"]),
    ):
        stored = snapshot.get(Ref(kind, meta["namespace"], name))
        if stored is not None and (controller_of(stored) or {}).get("uid") != meta["uid"]:
            return f"{kind} {name}"
    return ""


def wake_for_slice(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The ServerlessService of a slice; all of them when the activators change."""
    meta, labels = changed["metadata"], labels_of(changed)
    if meta["namespace"] == SYSTEM and labels.get(SLICE_OF) == ACTIVATOR_SERVICE:
        yield from map(ref_of, snapshot.list(SKS))
    elif labels.get(SLICE_OF, "").endswith("-private"):
        name = labels.get(L_SKS) or labels[SLICE_OF].removesuffix("-private")
        yield Ref(SKS, meta["namespace"], name)


def wake_for_deployment(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:  # noqa: ARG001 - a Wakes
    """The ServerlessService of a Deployment, whose selector it takes."""
    meta = changed["metadata"]
    if meta["name"].endswith("-deployment"):
        yield Ref(SKS, meta["namespace"], meta["name"].removesuffix("-deployment"))


CONTROLLER: Controller[World] = Controller(
    name="serverlessservice",
    kind=SKS,
    owns=("Service", "Endpoints", VIRTUAL_SERVICE, DESTINATION_RULE),
    wakes={
        SLICE: wake_for_slice,
        DEPLOYMENT: wake_for_deployment,
        "ConfigMap": wakes_all(SKS, network.NAME),
    },
    observe=observe,
    plan=plan,
)
