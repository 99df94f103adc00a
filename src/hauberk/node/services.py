"""From Services and EndpointSlices to what the node does about them: DNS records and packet rules. Pure.

| Service                 | DNS                                                   | packets           |
|-------------------------|-------------------------------------------------------|-------------------|
| ClusterIP and above     | A, SRV per named port, PTR                            | to the endpoints  |
| headless                | A of the endpoints, A and SRV per endpoint, PTR       | none needed       |
| ExternalName            | CNAME                                                 | none              |

An endpoint counts when it is ready, or when the Service publishes addresses that are not. Node ports do not
act: pods are reached from the machine through Routes only.
Source: kubernetes/dns specification 1.1; coredns plugin/kubernetes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hauberk.base.refs import Json
from hauberk.node.dns.table import DnsTable
from hauberk.node.proxyrules import ServicePort, service_rules
from hauberk.ports import Snapshot

READS = ("Service", "EndpointSlice.discovery.k8s.io")
CLUSTER_DOMAIN = "cluster.local"
DNS_ADDRESS = "172.30.0.10"
_SERVICE_NAME = "kubernetes.io/service-name"
Slices = Mapping[tuple[str, str], Sequence[Json]]


def services_of(snapshot: Snapshot) -> tuple[DnsTable, str]:
    """The DNS table and the nft script for a snapshot."""
    slices = _slices(snapshot)
    services = snapshot.list("Service")
    ports = [port for service in services for port in ports_of(service, slices)]
    return records_of(services, slices), service_rules(ports)


def _slices(snapshot: Snapshot) -> Slices:
    found: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for row in snapshot.list("EndpointSlice.discovery.k8s.io"):
        meta = row["metadata"]
        name = (meta.get("labels") or {}).get(_SERVICE_NAME)
        if name:
            found[meta["namespace"], name].append(row)
    return found


def ports_of(service: Json, slices: Slices) -> Iterator[ServicePort]:
    """The rows of one Service: each of its addresses with each of its ports."""
    meta, spec = service["metadata"], service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return
    addresses = [ip for ip in _addresses(service) if ip != DNS_ADDRESS and ":" not in ip]
    for port in spec.get("ports") or ():
        protocol = port.get("protocol", "TCP")
        if protocol not in ("TCP", "UDP", "SCTP"):
            continue
        ends = tuple(
            (ip, number)
            for row in slices.get((meta["namespace"], meta["name"]), ())
            for number in _numbers(row, port.get("name") or "", protocol)
            for ip in _ready(row, spec)
        )
        for address in addresses:
            name = f"{meta['namespace']}/{meta['name']}"
            yield ServicePort(name, address, protocol.lower(), port["port"], ends)


def _addresses(service: Json) -> list[str]:
    spec = service.get("spec") or {}
    own = spec.get("clusterIPs") or [spec.get("clusterIP")]
    balancer = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    every = [*own, *(spec.get("externalIPs") or ()), *(row.get("ip") for row in balancer)]
    return [ip for ip in every if ip and ip != "None"]


def _numbers(row: Json, name: str, protocol: str) -> list[int]:
    return [
        p["port"]
        for p in row.get("ports") or ()
        if (p.get("name") or "") == name and p.get("protocol", "TCP") == protocol and p.get("port")
    ]


def _ready(row: Json, spec: Json) -> Iterator[str]:
    for end in _endpoints(row, spec):
        yield from end.get("addresses") or ()


def _endpoints(row: Json, spec: Json) -> Iterator[Json]:
    if row.get("addressType", "IPv4") != "IPv4":
        return
    for end in row.get("endpoints") or ():
        if spec.get("publishNotReadyAddresses") or (end.get("conditions") or {}).get("ready") is not False:
            yield end


@dataclass(slots=True)
class _Zone:
    """A table under construction."""

    a: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    cname: dict[str, str] = field(default_factory=dict)
    srv: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    ptr: dict[str, str] = field(default_factory=dict)


def records_of(services: Sequence[Json], slices: Slices) -> DnsTable:
    """Every record of the cluster's zone."""
    zone = _Zone()
    for service in services:
        meta, spec = service["metadata"], service.get("spec") or {}
        name = f"{meta['name']}.{meta['namespace']}.svc.{CLUSTER_DOMAIN}"
        if spec.get("type") == "ExternalName":
            zone.cname[name] = str(spec.get("externalName", "")).rstrip(".").lower()
        elif spec.get("clusterIP") == "None":
            for row in slices.get((meta["namespace"], meta["name"]), ()):
                _headless(zone, name, row, spec)
        else:
            _cluster_ip(zone, name, spec)
    return DnsTable(
        a={k: tuple(dict.fromkeys(v)) for k, v in sorted(zone.a.items())},
        cname=zone.cname,
        srv={k: tuple(dict.fromkeys(v)) for k, v in sorted(zone.srv.items())},
        ptr=zone.ptr,
    )


def _cluster_ip(zone: _Zone, name: str, spec: Json) -> None:
    for ip in spec.get("clusterIPs") or [spec.get("clusterIP")]:
        if ip and ":" not in ip:
            zone.a[name].append(ip)
            zone.ptr[ip] = name
    for port in spec.get("ports") or ():
        if port.get("name"):
            zone.srv[f"_{port['name']}._{port.get('protocol', 'TCP').lower()}.{name}"].append(
                (port["port"], name)
            )


def _headless(zone: _Zone, name: str, row: Json, spec: Json) -> None:
    for end in _endpoints(row, spec):
        for ip in end.get("addresses") or ():
            own = f"{end.get('hostname') or ip.replace('.', '-')}.{name}"
            zone.a[name].append(ip)
            zone.a[own].append(ip)
            if end.get("hostname"):
                zone.ptr[ip] = own
            for port in row.get("ports") or ():
                if port.get("name") and port.get("port"):
                    service = f"_{port['name']}._{port.get('protocol', 'TCP').lower()}.{name}"
                    zone.srv[service].append((port["port"], own))
