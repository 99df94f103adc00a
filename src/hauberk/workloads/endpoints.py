"""Service → EndpointSlices and Endpoints of the pods that it selects.

Source: kubernetes staging endpointslice/reconciler.go, utils.go (podToEndpoint, getEndpointPorts);
pkg/controller/endpoint/endpoints_controller.go.
Deviation: slices have names that follow from the Service, so that pods that come and go change one object;
the Endpoints object is owned by its Service.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, is_deleting, labels_of, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.kinds.core.service import KIND
from hauberk.kinds.discovery.endpointslice import MANAGED_BY_LABEL, SERVICE_LABEL
from hauberk.ports import Snapshot
from hauberk.workloads.pods import ENDED, is_ready

SLICE = "EndpointSlice.discovery.k8s.io"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS_LABEL = "service.kubernetes.io/headless"
MAX_ENDPOINTS = 100
_SAFE = "bcdfghjklmnpqrstvwxz2456789"

Port = tuple[str, int, str, str | None]
"""Name, number, protocol, application protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A Service and the pods that it selects, by name."""

    service: Json
    pods: Sequence[Json]


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a Service and its pods."""
    service = snapshot.get(ref)
    if service is None:
        return None
    selector = (service.get("spec") or {}).get("selector")
    pods = snapshot.list("Pod", ref.namespace, selector) if selector else ()
    return World(service=service, pods=pods)


def has_endpoints(service: Json) -> bool:
    """Whether the Service's endpoints are this controller's: it selects pods and is no alias."""
    spec = service.get("spec") or {}
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - every plan is given the time
    """The slices and the Endpoints object."""
    if not has_endpoints(world.service):
        return Plan()
    groups: dict[tuple[Port, ...], list[Json]] = defaultdict(list)
    for pod in world.pods:
        status = pod.get("status") or {}
        if status.get("podIP") and status.get("phase") not in ENDED:
            groups[ports_of(world.service, pod)].append(pod)
    slices = [
        (ports, pods[i : i + MAX_ENDPOINTS])
        for ports, pods in sorted(groups.items(), key=lambda g: repr(g[0]))
        for i in range(0, len(pods), MAX_ENDPOINTS)
    ] or [((), [])]
    children = [make_slice(world.service, i, ports, pods) for i, (ports, pods) in enumerate(slices)]
    return Plan(children=(*children, make_endpoints(world.service, groups)))


def ports_of(service: Json, pod: Json) -> tuple[Port, ...]:
    """The Service's ports as numbers of this pod; a name that the pod does not have is left out."""
    found = []
    for port in (service.get("spec") or {}).get("ports") or ():
        protocol = port.get("protocol", "TCP")
        number = target_port(port.get("targetPort", port["port"]), protocol, pod)
        if number is not None:
            found.append((port.get("name", ""), number, protocol, port.get("appProtocol")))
    return tuple(found)


def target_port(target: int | str, protocol: str, pod: Json) -> int | None:
    """A target port as a number of this pod."""
    if isinstance(target, int):
        return target
    spec = pod.get("spec") or {}
    for section in ("containers", "initContainers"):
        for container in spec.get(section) or ():
            if section == "initContainers" and container.get("restartPolicy") != "Always":
                continue
            for port in container.get("ports") or ():
                if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                    return int(port["containerPort"])
    return None


def make_slice(service: Json, index: int, ports: Sequence[Port], pods: Sequence[Json]) -> Json:
    """One EndpointSlice."""
    meta = service["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice_name(meta["name"], meta["uid"], index),
            "namespace": meta["namespace"],
            "labels": slice_labels(service, MANAGER),
        },
        "addressType": "IPv4",
        "endpoints": [make_endpoint(service, pod) for pod in pods],
        "ports": [make_port(p) for p in ports],
    }


def make_port(port: Port) -> Json:
    """A port of a slice."""
    name, number, protocol, app_protocol = port
    row: dict[str, Any] = {"name": name, "port": number, "protocol": protocol}
    return {**row, "appProtocol": app_protocol} if app_protocol else row


def slice_name(service: str, uid: str, index: int) -> str:
    """`SERVICE-xxxxx`, shortened as generated names are."""
    digest = hashlib.sha256(f"{uid}/{index}".encode()).digest()
    return f"{service}-"[:58] + "".join(_SAFE[b % len(_SAFE)] for b in digest[:5])


def slice_labels(service: Json, manager: str) -> dict[str, str]:
    """The Service's labels and those by which slices are found."""
    labels = {k: v for k, v in labels_of(service).items() if k != HEADLESS_LABEL}
    if (service.get("spec") or {}).get("clusterIP") == "None":
        labels[HEADLESS_LABEL] = ""
    return {**labels, SERVICE_LABEL: service["metadata"]["name"], MANAGED_BY_LABEL: manager}


def make_endpoint(service: Json, pod: Json) -> Json:
    """A pod as an endpoint.

    | pod is       | publishNotReadyAddresses | ready | serving | terminating |
    |--------------|--------------------------|-------|---------|-------------|
    | ready        | -                        | true  | true    | false       |
    | not ready    | no                       | false | false   | false       |
    | not ready    | yes                      | true  | true    | false       |
    | ready, ending| no                       | false | true    | true        |
    | ending       | yes                      | true  | true    | true        |
    """
    spec = service.get("spec") or {}
    always = bool(spec.get("publishNotReadyAddresses"))
    serving, ending = always or is_ready(pod), is_deleting(pod)
    row: dict[str, Any] = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": always or (serving and not ending),
            "serving": serving,
            "terminating": ending,
        },
        "targetRef": target_ref(pod),
    }
    pod_spec = pod.get("spec") or {}
    if pod_spec.get("nodeName"):
        row["nodeName"] = pod_spec["nodeName"]
    if pod_spec.get("hostname") and pod_spec.get("subdomain") == service["metadata"]["name"]:
        row["hostname"] = pod_spec["hostname"]
    return row


def target_ref(pod: Json) -> Json:
    """The pod behind an address."""
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def make_endpoints(service: Json, groups: Mapping[tuple[Port, ...], Sequence[Json]]) -> Json:
    """The same in the old shape; pods that are ending are left out."""
    meta = service["metadata"]
    labels = {
        k: v for k, v in slice_labels(service, "").items() if k not in (SERVICE_LABEL, MANAGED_BY_LABEL)
    }
    subsets = [
        s
        for ports, pods in sorted(groups.items(), key=lambda g: repr(g[0]))
        for s in _subset(service, ports, pods)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**labels, "endpoints.kubernetes.io/managed-by": "endpoint-controller"},
        },
        "subsets": subsets,
    }


def _subset(service: Json, ports: Sequence[Port], pods: Sequence[Json]) -> list[Json]:
    always = bool((service.get("spec") or {}).get("publishNotReadyAddresses"))
    lists: dict[str, list[Json]] = {"addresses": [], "notReadyAddresses": []}
    for pod in pods:
        if is_deleting(pod) and not always:
            continue
        row: dict[str, Any] = {"ip": pod["status"]["podIP"], "targetRef": target_ref(pod)}
        if (pod.get("spec") or {}).get("nodeName"):
            row["nodeName"] = pod["spec"]["nodeName"]
        lists["addresses" if always or is_ready(pod) else "notReadyAddresses"].append(row)
    filled = {k: v for k, v in lists.items() if v}
    return [{**filled, "ports": [make_port(p) for p in ports]}] if filled else []


def wake(pod: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a pod to the Services that select it, or that list it although its labels changed."""
    namespace, uid, labels = pod["metadata"].get("namespace", ""), pod["metadata"]["uid"], labels_of(pod)
    found = [
        ref_of(svc)
        for svc in snapshot.list(KIND.id, namespace)
        if has_endpoints(svc) and svc["spec"]["selector"].items() <= labels.items()
    ]
    names = {ref.name for ref in found}
    for part in snapshot.list(SLICE, namespace):
        name = labels_of(part).get(SERVICE_LABEL, "")
        if name not in names and _lists(part, uid):
            found.append(Ref(KIND.id, namespace, name))
    return found


def _lists(part: Json, uid: str) -> bool:
    return any((e.get("targetRef") or {}).get("uid") == uid for e in part.get("endpoints") or ())


CONTROLLER = Controller(
    name="endpointslice",
    kind=KIND.id,
    owns=(SLICE, "Endpoints"),
    wakes={"Pod": wake},
    observe=observe,
    plan=plan,
)

UNCOPIED_NOTES = (
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
)


def copied_notes(obj: Json) -> dict[str, str]:
    """The annotations of Endpoints that its mirrored slices take over."""
    return {k: v for k, v in annotations_of(obj).items() if k not in UNCOPIED_NOTES}
