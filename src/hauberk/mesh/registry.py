"""Services and their endpoints, from Kubernetes and from ServiceEntries. Pure.

Source: istio/istio pilot/pkg/serviceregistry/kube/conversion.go (ports, protocols),
pilot/pkg/serviceregistry/serviceentry/conversion.go, pkg/config/kube/conversion.go (ConvertProtocol).
Deviation: Services of namespaces outside the mesh are unknown to its proxies, as with Maistra.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from hauberk.base.refs import Json, labels_of, ref_of
from hauberk.kinds.istio_networking.service_entry import ServiceEntry, ServiceEntrySpec
from hauberk.mesh.model import DOMAIN, Endpoint, Port, Protocol, Service, spiffe
from hauberk.mesh.origins import origin_of
from hauberk.mesh.workloads import Workload

EXPORT_TO = "networking.istio.io/exportTo"
SLICE_SERVICE = "kubernetes.io/service-name"
REVISION_SERVICE = "networking.internal.knative.dev/serviceType"
"""Labels a Revision's Services: behind them are activators and queue-proxies, Envoys that take both."""
_H2C = "kubernetes.io/h2c"
_PROTOCOLS = {
    "http": Protocol.HTTP, "http2": Protocol.HTTP2, "h2c": Protocol.HTTP2, "grpc": Protocol.HTTP2,
    "grpc-web": Protocol.HTTP, "https": Protocol.TLS, "tls": Protocol.TLS, "tcp": Protocol.TCP,
    "mongo": Protocol.TCP, "redis": Protocol.TCP, "mysql": Protocol.TCP, _H2C: Protocol.HTTP2,
    "kubernetes.io/ws": Protocol.HTTP, "kubernetes.io/wss": Protocol.TLS,
}  # fmt: skip

TakesMtls = Callable[[Workload, int], bool]
"""Whether a workload takes the mesh's mTLS on a port of its pod."""


def service_host(name: str, namespace: str) -> str:
    """The DNS name of a Kubernetes Service."""
    return f"{name}.{namespace}.svc.{DOMAIN}"


def protocol_of(name: str, app_protocol: str = "") -> Protocol:
    """What a port speaks, by `appProtocol`, else by the part of its name before the first `-`."""
    if app_protocol:
        return _PROTOCOLS.get(app_protocol.lower(), Protocol.AUTO)
    lower = name.lower()
    if lower.startswith("grpc-web"):
        return Protocol.HTTP
    return _PROTOCOLS.get(lower.partition("-")[0], Protocol.AUTO)


def ports_of(service: Json) -> tuple[Port, ...]:
    """TCP ports of a Kubernetes Service."""
    return tuple(
        Port(p["port"], p.get("name") or "", protocol_of(p.get("name") or "", p.get("appProtocol") or ""))
        for p in (service.get("spec") or {}).get("ports") or ()
        if (p.get("protocol") or "TCP") == "TCP"
    )


def kubernetes_service(
    service: Json, slices: Sequence[Json], pods: Mapping[str, Workload], takes: TakesMtls
) -> Service:
    """A Service with the ready endpoints of its slices."""
    meta, spec = service["metadata"], service.get("spec") or {}
    external = spec.get("type") == "ExternalName"
    address = spec.get("clusterIP") or ""
    headless = not external and address in ("", "None")
    scopes = (meta.get("annotations") or {}).get(EXPORT_TO, "*")
    ports = ports_of(service)
    endpoints = (
        {p.number: (Endpoint(spec.get("externalName") or "", p.number),) for p in ports}
        if external
        else _endpoints(ports, slices, pods, takes)
    )
    return Service(
        ref=ref_of(service),
        host=service_host(meta["name"], meta["namespace"]),
        namespace=meta["namespace"],
        name=meta["name"],
        addresses=() if headless or external else (address,),
        ports=ports,
        resolution="DNS" if external else "ENDPOINTS",
        headless=headless,
        external=external,
        export_to=tuple(s.strip() for s in scopes.split(",")),
        endpoints=endpoints,
        multiplexed=REVISION_SERVICE in labels_of(service),
    )


def _endpoints(
    ports: Sequence[Port], slices: Sequence[Json], pods: Mapping[str, Workload], takes: TakesMtls
) -> dict[int, tuple[Endpoint, ...]]:
    found: dict[int, set[Endpoint]] = defaultdict(set)
    for piece in slices:
        numbers = {p.get("name") or "": p.get("port") for p in piece.get("ports") or ()}
        for row in piece.get("endpoints") or ():
            if (row.get("conditions") or {}).get("ready") is False:
                continue
            pod = pods.get((row.get("targetRef") or {}).get("uid", ""))
            for port in ports:
                number = numbers.get(port.name)
                if number:
                    found[port.number] |= {endpoint(a, number, pod, takes) for a in row["addresses"]}
    return {number: tuple(sorted(rows, key=_by_address)) for number, rows in found.items()}


def _by_address(row: Endpoint) -> tuple[str, int]:
    return row.address, row.port


def endpoint(address: str, port: int, pod: Workload | None, takes: TakesMtls) -> Endpoint:
    """An address with what its pod, if any, says about it."""
    if pod is None:
        return Endpoint(address, port)
    return Endpoint(address, port, pod.identity, takes(pod, port), pod.labels)


def slices_by_service(slices: Iterable[Json]) -> dict[tuple[str, str], list[Json]]:
    """(namespace, Service name) → its slices."""
    found: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for piece in slices:
        name = labels_of(piece).get(SLICE_SERVICE)
        if name:
            found[piece["metadata"]["namespace"], name].append(piece)
    return found


def entry_services(
    raw: Json, entry: ServiceEntry, pods: Iterable[Workload], takes: TakesMtls
) -> list[Service]:
    """A ServiceEntry's hosts as services."""
    spec, namespace = entry.spec, entry.metadata.namespace
    ports = tuple(
        Port(p.number, p.name, protocol_of("", p.protocol) if p.protocol else Protocol.AUTO)
        for p in spec.ports
        if p.protocol.upper() != "UDP"
    )
    chosen = _chosen(spec, [w for w in pods if w.namespace == namespace])
    by_dns = spec.resolution.startswith("DNS")
    out = []
    for host in spec.hosts:
        rows = {p.number: _entry_endpoints(spec, host, p.number, namespace, chosen, takes) for p in ports}
        out.append(
            Service(
                ref=ref_of(raw),
                host=host.removesuffix("."),
                namespace=namespace,
                addresses=tuple(spec.addresses),
                ports=ports,
                resolution="NONE" if spec.resolution == "NONE" else "DNS" if by_dns else "ENDPOINTS",
                external=spec.location == "MESH_EXTERNAL",
                export_to=spec.export_to or ("*",),
                endpoints={} if spec.resolution == "NONE" else rows,
                subject_alt_names=spec.subject_alt_names,
                origin=origin_of(raw),
            )
        )
    return out


def _chosen(spec: ServiceEntrySpec, pods: Sequence[Workload]) -> list[Workload]:
    if spec.workload_selector is None:
        return []
    return [w for w in pods if w.ip and w.has_labels(spec.workload_selector.labels)]


def _entry_endpoints(
    spec: ServiceEntrySpec,
    host: str,
    number: int,
    namespace: str,
    chosen: Sequence[Workload],
    takes: TakesMtls,
) -> tuple[Endpoint, ...]:
    port = next(p for p in spec.ports if p.number == number)
    target = port.target_port or number
    if chosen:
        return tuple(endpoint(w.ip, target, w, takes) for w in chosen)
    if not spec.endpoints:
        return (Endpoint(host, target),) if spec.resolution.startswith("DNS") else ()
    internal = spec.location == "MESH_INTERNAL"
    return tuple(
        Endpoint(
            e.address,
            (e.ports or {}).get(port.name, target),
            spiffe(namespace, e.service_account) if e.service_account else "",
            internal and bool(e.service_account),
            tuple(sorted((e.labels or {}).items())),
        )
        for e in spec.endpoints
        if e.address
    )
