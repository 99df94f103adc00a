"""The children of a ServerlessService.

Source: knative/serving pkg/reconciler/serverlessservice/resources/{services,endpoints}.go, and for pod
addressability knative-extensions/net-istio pkg/reconciler/serverlessservice/resources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.serving.names import (
    L_SERVICE_TYPE,
    L_SKS,
    QUEUE_H2C,
    QUEUE_HTTP,
    QUEUE_HTTPS,
    body,
    without,
)

ISTIO = "networking.istio.io/v1beta1"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A ready endpoint, with the pod that it is."""

    ip: str
    node: str = ""
    pod: str = ""
    namespace: str = ""
    uid: str = ""


def is_h2c(sks: Json) -> bool:
    """Whether the revision speaks HTTP/2 without TLS."""
    return bool(sks["spec"].get("protocolType") == "h2c")


def target_port(sks: Json) -> int:
    """The queue's port for this revision's protocol."""
    return QUEUE_H2C if is_h2c(sks) else QUEUE_HTTP


def port_name(sks: Json) -> str:
    """The first port's name, by which Istio knows the protocol."""
    return "http2" if is_h2c(sks) else "http"


def private_name(sks: Json) -> str:
    """`NAME-private`."""
    return child_name(sks["metadata"]["name"], "-private")


def _meta(sks: Json, name: str, kind: str) -> dict[str, Any]:
    meta = sks["metadata"]
    return {
        "name": name,
        "namespace": meta["namespace"],
        "labels": {**labels_of(sks), L_SKS: meta["name"], L_SERVICE_TYPE: kind},
        "annotations": without(annotations_of(sks)),
    }


def _port(name: str, port: int, target: int | str) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": "TCP", "targetPort": target}


def make_public(sks: Json) -> Json:
    """The Service that Routes lead to; it has no selector, its Endpoints are ours."""
    ports = [_port(port_name(sks), 80, target_port(sks)), _port("https", 443, QUEUE_HTTPS)]
    return body("v1", "Service", _meta(sks, sks["metadata"]["name"], "Public"), spec={"ports": ports})


def make_private(sks: Json, selector: Mapping[str, str]) -> Json:
    """The Service that always leads to the revision's pods."""
    target = target_port(sks)
    ports = [
        _port(port_name(sks), 80, target),
        _port("https", 443, QUEUE_HTTPS),
        _port("http-autometric", 9090, "http-autometric"),
        _port("http-usermetric", 9091, "http-usermetric"),
        _port(f"{port_name(sks)}-istio", target, target),
    ]
    spec = {"ports": ports, "selector": dict(selector)}
    return body("v1", "Service", _meta(sks, private_name(sks), "Private"), spec=spec)


def make_endpoints(sks: Json, addresses: Sequence[Address], port: int) -> Json:
    """The public Service's Endpoints; the endpoint slice mirrors them."""
    ports = [
        {"name": port_name(sks), "port": port, "protocol": "TCP"},
        {"name": "https", "port": QUEUE_HTTPS, "protocol": "TCP"},
    ]
    rows = [_address(a) for a in sorted(addresses)]
    subsets = [{"addresses": rows, "ports": ports}] if rows else []
    return body("v1", "Endpoints", _meta(sks, sks["metadata"]["name"], "Public"), subsets=subsets)


def _address(address: Address) -> dict[str, Any]:
    row: dict[str, Any] = {"ip": address.ip}
    if address.node:
        row["nodeName"] = address.node
    if address.pod:
        row["targetRef"] = {
            "kind": "Pod",
            "name": address.pod,
            "namespace": address.namespace,
            "uid": address.uid,
        }
    return row


def make_addressable(sks: Json) -> tuple[Json, Json]:
    """VirtualService and DestinationRule that let a mesh client name one pod by a header.

    Subset `direct` goes to the pod that the client dialled, `normal` is balanced.
    """
    meta = sks["metadata"]
    host = f"{private_name(sks)}.{meta['namespace']}.svc.cluster.local"
    place = _meta(sks, private_name(sks), "Private")
    direct = {"match": [{"headers": {"K-Passthrough-Lb": {"exact": "true"}}}], "route": _to(host, "direct")}
    service = body(
        ISTIO,
        "VirtualService",
        place,
        spec={"hosts": [host], "http": [direct, {"route": _to(host, "normal")}]},
    )
    balancers = (("normal", "LEAST_REQUEST"), ("direct", "PASSTHROUGH"))
    subsets = [{"name": n, "trafficPolicy": {"loadBalancer": {"simple": b}}} for n, b in balancers]
    return service, body(ISTIO, "DestinationRule", place, spec={"host": host, "subsets": subsets})


def _to(host: str, subset: str) -> list[dict[str, Any]]:
    return [{"destination": {"host": host, "subset": subset}, "weight": 100}]
