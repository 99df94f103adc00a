"""Endpoints that somebody wrote for a Service without a selector → EndpointSlices.

Source: kubernetes pkg/controller/endpointslicemirroring/endpointslicemirroring_controller.go, reconciler.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, labels_of
from hauberk.engine.plan import Controller, Plan
from hauberk.kinds.core.endpoints import KIND
from hauberk.kinds.discovery.endpointslice import MANAGED_BY_LABEL, SERVICE_LABEL
from hauberk.ports import Snapshot
from hauberk.workloads.endpoints import SLICE, copied_notes, slice_name

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP_LABEL = "endpointslice.kubernetes.io/skip-mirror"
_LEADER = "control-plane.alpha.kubernetes.io/leader"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Endpoints and the Service of the same name."""

    endpoints: Json
    service: Json | None


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read both."""
    endpoints = snapshot.get(ref)
    service = snapshot.get(Ref("Service", ref.namespace, ref.name))
    return None if endpoints is None else World(endpoints=endpoints, service=service)


def is_mirrored(world: World) -> bool:
    """Whether slices are to be made: there is a Service, and no controller selects its pods."""
    if labels_of(world.endpoints).get(SKIP_LABEL) == "true" or _LEADER in annotations_of(world.endpoints):
        return False
    return world.service is not None and not (world.service.get("spec") or {}).get("selector")


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - every plan is given the time
    """A slice for each subset."""
    if not is_mirrored(world):
        return Plan()
    subsets = world.endpoints.get("subsets") or ()
    return Plan(children=tuple(make_slice(world.endpoints, i, s) for i, s in enumerate(subsets)))


def make_slice(endpoints: Json, index: int, subset: Json) -> Json:
    """One subset as a slice."""
    meta = endpoints["metadata"]
    labels = {**labels_of(endpoints), SERVICE_LABEL: meta["name"], MANAGED_BY_LABEL: MANAGER}
    notes = copied_notes(endpoints)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice_name(meta["name"], meta["uid"], index),
            "namespace": meta["namespace"],
            "labels": labels,
            **({"annotations": notes} if notes else {}),
        },
        "addressType": "IPv4",
        "endpoints": [
            *(_endpoint(a, ready=True) for a in subset.get("addresses") or ()),
            *(_endpoint(a, ready=False) for a in subset.get("notReadyAddresses") or ()),
        ],
        "ports": [{"name": "", "protocol": "TCP", **p} for p in subset.get("ports") or ()],
    }


def _endpoint(address: Json, *, ready: bool) -> Json:
    row: dict[str, Any] = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for key in ("hostname", "nodeName", "targetRef"):
        if address.get(key):
            row[key] = address[key]
    return row


def wake(service: Json, _snapshot: Snapshot) -> Sequence[Ref]:
    """From a Service to the Endpoints of its name."""
    meta = service["metadata"]
    return (Ref(KIND.id, meta["namespace"], meta["name"]),)


CONTROLLER = Controller(
    name="endpointslicemirroring",
    kind=KIND.id,
    owns=(SLICE,),
    wakes={"Service": wake},
    observe=observe,
    plan=plan,
)
