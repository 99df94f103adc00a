"""v1 Service: a stable address and name for pods."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar

from msgspec import field

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.container import IntOrString
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import (
    check,
    check_labels,
    check_name,
    dns_1035_label,
    dns_label,
    dns_subdomain,
    duplicate,
    invalid,
    port_name,
    port_number,
    required,
    unsupported,
)

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS = ("SCTP", "TCP", "UDP")
_FIXED = "field is immutable"


class ServicePort(Part, frozen=True):
    """One port of a Service."""

    __inert__: ClassVar[tuple[str, ...]] = ("nodePort",)

    port: int = 0
    name: str = ""
    protocol: str = ""
    target_port: IntOrString | None = None
    app_protocol: str | None = None


class ServiceSpec(Part, frozen=True):
    """Which pods, under which address."""

    __inert__: ClassVar[tuple[str, ...]] = (
        "allocateLoadBalancerNodePorts", "externalIPs", "externalTrafficPolicy", "healthCheckNodePort",
        "loadBalancerClass", "loadBalancerIP", "loadBalancerSourceRanges", "sessionAffinityConfig",
        "trafficDistribution",
    )  # fmt: skip

    selector: dict[str, str] | None = None
    ports: Annotated[tuple[ServicePort, ...], merge_by("port", "protocol")] = ()
    type: str = ""
    cluster_ip: str = field(default="", name="clusterIP")
    cluster_ips: tuple[str, ...] = field(default=(), name="clusterIPs")
    external_name: str = ""
    publish_not_ready_addresses: bool = False
    session_affinity: str = ""
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str | None = None
    internal_traffic_policy: str | None = None


class ServiceStatus(Part, frozen=True):
    """Addresses outside the cluster, and conditions."""

    load_balancer: dict[str, Any] | None = None
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()


class Service(Part, frozen=True):
    """A stable address and name for pods, or (ExternalName) an alias of another name."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Upstream's defaults; the address itself comes from admission.

    Source: kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_Service; pkg/registry/core/service/alloc.go.
    """
    spec = raw.setdefault("spec", {})
    if not isinstance(spec, dict):
        return raw
    spec["type"] = spec.get("type") or "ClusterIP"
    spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
    for port in spec.get("ports") or ():
        if isinstance(port, dict):
            port["protocol"] = port.get("protocol") or "TCP"
            if port.get("targetPort") in (None, "", 0) and "port" in port:
                port["targetPort"] = port["port"]
    raw.setdefault("status", {}).setdefault("loadBalancer", {})
    if spec["type"] == "ExternalName":
        return raw
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    return raw


def validate(svc: Service) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidateService."""
    yield from check_name(svc.metadata.name, dns_1035_label)
    spec = svc.spec
    if spec.type and spec.type not in TYPES:
        yield unsupported("spec.type", spec.type, TYPES)
    headless = spec.cluster_ip == "None"
    if not spec.ports and not headless and spec.type != "ExternalName":
        yield required("spec.ports")
    if spec.type == "ExternalName":
        yield from _check_external_name(spec)
    if spec.cluster_ip and not headless and not _is_ip(spec.cluster_ip):
        yield invalid(
            "spec.clusterIPs[0]",
            spec.cluster_ip,
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        )
    if spec.type == "LoadBalancer" and headless:
        yield invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services")
    if spec.session_affinity not in ("", "ClientIP", "None"):
        yield unsupported("spec.sessionAffinity", spec.session_affinity, ("ClientIP", "None"))
    yield from check_labels("spec.selector", spec.selector)
    yield from _check_ports(spec)


def _check_external_name(spec: ServiceSpec) -> FieldErrors:
    if spec.cluster_ip:
        yield invalid("spec.clusterIPs[0]", spec.cluster_ip, "may not be set when type is ExternalName")
    if not spec.external_name:
        yield required("spec.externalName")
    else:
        yield from check("spec.externalName", spec.external_name.removesuffix("."), dns_subdomain)


def _check_ports(spec: ServiceSpec) -> FieldErrors:
    names: set[str] = set()
    keys: set[tuple[str, int]] = set()
    for i, port in enumerate(spec.ports):
        at = f"spec.ports[{i}]"
        if not port.name and len(spec.ports) > 1:
            yield required(f"{at}.name")
        elif port.name:
            yield from check(f"{at}.name", port.name, dns_label)
            if port.name in names:
                yield duplicate(f"{at}.name", port.name)
        names.add(port.name)
        yield from check(f"{at}.port", port.port, port_number)
        if port.protocol and port.protocol not in PROTOCOLS:
            yield unsupported(f"{at}.protocol", port.protocol, PROTOCOLS)
        target = port.target_port
        if target is not None:
            yield from check(
                f"{at}.targetPort", target, port_name if isinstance(target, str) else port_number
            )
        if (port.protocol, port.port) in keys:
            yield duplicate(at, f"{port.protocol}/{port.port}")
        keys.add((port.protocol, port.port))


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def validate_update(old: Json, new: Json) -> FieldErrors:
    """The address of a Service stays until its type becomes ExternalName.

    Source: kubernetes pkg/apis/core/validation/validation.go, ValidateServiceUpdate.
    """
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if "ExternalName" in (before.get("type"), after.get("type")) or not before.get("clusterIP"):
        return
    if before["clusterIP"] != after.get("clusterIP"):
        shown = [after["clusterIP"]] if after.get("clusterIP") else []
        yield invalid("spec.clusterIPs[0]", shown, "may not change once set")


def advice(raw: Json) -> Iterator[str]:
    """What a Service asks for that the embedded cluster does not give."""
    spec = raw.get("spec") or {}
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        yield (
            f"spec.type: {spec['type']} acts as ClusterIP on the embedded cluster: nothing listens on "
            "the machine; "
            "use a Route or `kubectl port-forward`"
        )
    if spec.get("sessionAffinity") == "ClientIP":
        yield "spec.sessionAffinity: ClientIP does not act on the embedded cluster yet"
    families = spec.get("ipFamilies") or ()
    if "IPv6" in families or spec.get("ipFamilyPolicy") in ("PreferDualStack", "RequireDualStack"):
        yield "spec.ipFamilies: the embedded cluster's pod network is IPv4 only"


def _cluster_ip(svc: Json, _now: float) -> str:
    return (svc.get("spec") or {}).get("clusterIP") or "<none>"


def _external_ip(svc: Json, _now: float) -> str:
    spec = svc.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName") or "<none>")
    balancer = ((svc.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses = [i.get("ip") or i.get("hostname") for i in balancer] + list(spec.get("externalIPs") or ())
    if addresses:
        return ",".join(a for a in addresses if a)
    return "<pending>" if spec.get("type") == "LoadBalancer" else "<none>"


def _ports(svc: Json, _now: float) -> str:
    rows = []
    for port in (svc.get("spec") or {}).get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        rows.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(rows) or "<none>"


def _selector(svc: Json, _now: float) -> str:
    pairs = (svc.get("spec") or {}).get("selector") or {}
    return ",".join(f"{k}={v}" for k, v in sorted(pairs.items())) or "<none>"


KIND = Kind(
    group="",
    name="Service",
    plural="services",
    singular="service",
    short_names=("svc",),
    categories=("all",),
    model=Service,
    validate=validate,
    validate_update=validate_update,
    default=default,
    advice=advice,
    columns=(
        Column("Type", ".spec.type"),
        Column("Cluster-IP", _cluster_ip),
        Column("External-IP", _external_ip),
        Column("Port(s)", _ports),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Selector", _selector, wide=True),
    ),
    has_generation=False,
    builtin=True,
)
