"""The mesh as records: what proxies are to know, in Istio's words and without Envoy's.

Records compare by value. `build` keeps the identity of those that did not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from hauberk.base.refs import Ref
from hauberk.kinds.istio_networking.destination_rule import DestinationRuleSpec
from hauberk.kinds.istio_networking.gateway import Server
from hauberk.kinds.istio_networking.virtual_service_model import HTTPRoute, TCPRoute
from hauberk.kinds.istio_security.authorization_policy import Rule
from hauberk.mesh.origins import Origin
from hauberk.mesh.roles import Role

MESH_GATEWAY = "mesh"
DOMAIN = "cluster.local"


class Protocol(Enum):
    """What a port speaks. AUTO: look at the first bytes."""

    HTTP = "HTTP"
    HTTP2 = "HTTP2"
    TLS = "TLS"
    TCP = "TCP"
    AUTO = "AUTO"

    @property
    def is_http(self) -> bool:
        """Whether requests are routed, not just connections."""
        return self in (Protocol.HTTP, Protocol.HTTP2)


class Mode(Enum):
    """How an inbound port takes connections."""

    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


@dataclass(frozen=True, slots=True)
class Finding:
    """A resource, or a part of one, that was left out, and why."""

    ref: Ref
    reason: str
    message: str
    severity: Literal["Warning", "Error"] = "Warning"


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a service."""

    number: int
    name: str
    protocol: Protocol


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address behind a service's port. `mtls`: it takes the mesh's mTLS."""

    address: str
    port: int
    identity: str = ""
    mtls: bool = False
    labels: tuple[tuple[str, str], ...] = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether the endpoint has all of these labels."""
        have = set(self.labels)
        return all(row in have for row in (labels or {}).items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A host with ports, and where its connections end.

    `resolution`: ENDPOINTS (the control plane names them), DNS (the proxy resolves them), NONE
    (wherever the client wanted to go).
    """

    ref: Ref
    host: str
    namespace: str
    name: str = ""  # of the Kubernetes Service; empty for a ServiceEntry
    addresses: tuple[str, ...] = ()  # virtual IPs
    ports: tuple[Port, ...] = ()
    resolution: Literal["ENDPOINTS", "DNS", "NONE"] = "ENDPOINTS"
    headless: bool = False
    external: bool = False
    export_to: tuple[str, ...] = ("*",)
    endpoints: Mapping[int, tuple[Endpoint, ...]] = field(default_factory=dict)  # by port number
    subject_alt_names: tuple[str, ...] = ()
    multiplexed: bool = False  # its endpoints take HTTP/2 whatever their application speaks
    identities: tuple[str, ...] = ()  # SPIFFE IDs of endpoints that take mTLS, or of the last ones
    origin: Origin | None = None  # the ServiceEntry

    def visible_to(self, namespace: str) -> bool:
        """Whether clients of that namespace may see it."""
        return exported(self.export_to, self.namespace, namespace)

    def port(self, number: int) -> Port | None:
        """The port with that number."""
        return next((p for p in self.ports if p.number == number), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """A VirtualService with its names resolved and its delegates merged."""

    ref: Ref
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]  # `mesh` or `NAMESPACE/NAME`
    http: tuple[HTTPRoute, ...] = ()
    tls: tuple[TCPRoute, ...] = ()
    tcp: tuple[TCPRoute, ...] = ()
    export_to: tuple[str, ...] = ("*",)
    origins: tuple[Origin, ...] = ()  # the VirtualService and its delegates

    def visible_to(self, namespace: str) -> bool:
        """Whether proxies of that namespace take part."""
        return exported(self.export_to, self.ref.namespace, namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A DestinationRule with its host resolved."""

    ref: Ref
    host: str
    spec: DestinationRuleSpec
    origin: Origin | None = None

    def visible_to(self, namespace: str) -> bool:
        """Whether clients of that namespace take part."""
        return exported(self.spec.export_to or ("*",), self.ref.namespace, namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An AuthorizationPolicy."""

    ref: Ref
    action: Literal["ALLOW", "DENY", "AUDIT", "CUSTOM"]
    rules: tuple[Rule, ...]
    labels: tuple[tuple[str, str], ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A server of a Gateway on one pod: the port that is opened there."""

    gateway: Ref
    server: Server
    port: int  # that the pod opens
    hosts: tuple[tuple[str, str], ...]  # (namespace or *, host)
    origin: Origin | None = None

    @property
    def gateway_name(self) -> str:
        """As VirtualServices name it."""
        return f"{self.gateway.namespace}/{self.gateway.name}"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A port of a pod that takes connections."""

    port: int
    protocol: Protocol
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class AppProbe:
    """A probe of the application that the proxy makes for the kubelet."""

    path: str  # such as /app-health/CONTAINER/readyz
    kind: Literal["http", "tcp", "grpc"]
    port: int
    target: str = "/"
    https: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    service: str = ""
    timeout_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a control plane says about its mesh."""

    root: str  # its namespace
    strict: bool = False
    auto_mtls: bool = True
    registry_only: bool = False
    access_log: str = ""
    access_log_format: str = ""
    trust_domain: str = DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One pod's Envoy."""

    uid: str
    name: str
    namespace: str
    service_account: str
    ip: str
    domain: str  # the root namespace of its mesh; empty outside
    labels: tuple[tuple[str, str], ...] = ()
    identity: str = ""  # SPIFFE ID; empty: it has no certificate
    secret_life_s: float = 86_400.0  # of that certificate
    sidecar: bool = False
    gateway: bool = False
    dials: bool = True  # something in the pod opens connections
    mode: Mode = Mode.PERMISSIVE  # of ports that `inbound` does not list
    inbound: tuple[Inbound, ...] = ()
    policies: tuple[Policy, ...] = ()
    binds: tuple[Bind, ...] = ()
    probes: tuple[AppProbe, ...] = ()
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One mesh: what its proxies see of each other."""

    settings: Settings
    namespaces: frozenset[str]
    services: tuple[Service, ...] = ()
    shapes: tuple[Service, ...] = ()  # the same without endpoints
    routes: tuple[Routes, ...] = ()  # oldest first
    destinations: tuple[Destination, ...] = ()

    def __post_init__(self) -> None:
        by_host: dict[str, Service] = {}
        for service in self.services:
            by_host.setdefault(service.host, service)
        object.__setattr__(self, "by_host", by_host)

    by_host: Mapping[str, Service] = field(init=False, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Everything that proxies are to know."""

    proxies: Mapping[str, Proxy] = field(default_factory=dict)  # by pod uid
    domains: Mapping[str, Domain] = field(default_factory=dict)  # by root namespace
    findings: tuple[Finding, ...] = ()


def exported(export_to: tuple[str, ...], home: str, namespace: str) -> bool:
    """Istio's exportTo: `*` everybody, `.` the own namespace, a name, `~` nobody."""
    return any(
        scope == "*" or scope == namespace or (scope == "." and home == namespace)
        for scope in export_to or ("*",)
    )


def spiffe(namespace: str, service_account: str, trust_domain: str = DOMAIN) -> str:
    """The SPIFFE ID of a ServiceAccount."""
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{service_account}"
