"""The value that translation yields and the server sends: one proxy's whole configuration.

A resource is encoded once, when it is made; its version is a hash of those bytes. So an unchanged
resource keeps its version over any number of control planes, and comparing two configurations
compares strings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_components_pb2 import Filter
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from google.protobuf.any_pb2 import Any as PbAny

from hauberk.mesh.origins import Origin

Message: TypeAlias = Any  # a protobuf message; the generated modules carry no types

_PREFIX = "type.googleapis.com/"
CLUSTER = _PREFIX + "envoy.config.cluster.v3.Cluster"
ENDPOINT = _PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = _PREFIX + "envoy.config.listener.v3.Listener"
ROUTE = _PREFIX + "envoy.config.route.v3.RouteConfiguration"
SECRET = _PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"
ORDER = (CLUSTER, ENDPOINT, SECRET, LISTENER, ROUTE)
"""The order in which a change reaches a proxy: what is referred to goes first."""

_CLASSES: Mapping[str, Any] = {
    CLUSTER: Cluster,
    ENDPOINT: ClusterLoadAssignment,
    LISTENER: Listener,
    ROUTE: RouteConfiguration,
    SECRET: Secret,
}
_URL_OF = {cls.DESCRIPTOR.full_name: url for url, cls in _CLASSES.items()}


@dataclass(frozen=True, slots=True)
class Resource:
    """One encoded Envoy resource. `version` is a hash of `body`; `origins` are the rules it was made from."""

    type_url: str
    name: str
    body: bytes = field(repr=False)
    version: str
    origins: tuple[Origin, ...] = field(default=(), compare=False, repr=False)

    def message(self) -> Message:
        """Decode into a fresh protobuf message."""
        return _CLASSES[self.type_url].FromString(self.body)


def resource(message: Message, origins: tuple[Origin, ...] = ()) -> Resource:
    """Encode a Cluster, ClusterLoadAssignment, Listener, RouteConfiguration or Secret."""
    type_url = _URL_OF[message.DESCRIPTOR.full_name]
    name = message.cluster_name if type_url == ENDPOINT else message.name
    body = message.SerializeToString(deterministic=True)
    return Resource(type_url, name, body, hashlib.sha256(body).hexdigest()[:16], origins)


def encoded(messages: Iterable[Message | Resource]) -> tuple[Resource, ...]:
    """Encode those that are not yet."""
    return tuple(m if isinstance(m, Resource) else resource(m) for m in messages)


@dataclass(frozen=True)
class Resources:
    """Everything one proxy should have, and who it is.

    `identity` is the SPIFFE ID its `default` certificate is issued for (empty: none) and `life_s` its life,
    `namespace`
    is where `kubernetes://NAME` secrets are looked up. Secrets are not in here: the server makes
    them when a proxy asks for one by name.
    """

    by_type: Mapping[str, Mapping[str, Resource]]
    identity: str = ""
    namespace: str = ""
    life_s: float = 86_400.0

    @classmethod
    def of(
        cls,
        messages: Iterable[Message | Resource],
        *,
        identity: str = "",
        namespace: str = "",
        life_s: float = 86_400.0,
    ) -> Resources:
        """Sort messages (encoded or not) by type and name; of two with one name the last stays."""
        found: dict[str, dict[str, Resource]] = {url: {} for url in ORDER}
        for made in encoded(messages):
            found[made.type_url][made.name] = made
        frozen = {url: MappingProxyType(rows) for url, rows in found.items()}
        return cls(MappingProxyType(frozen), identity, namespace, life_s)

    @cached_property
    def version(self) -> str:
        """A hash over every resource's version and the identity."""
        digest = hashlib.sha256(f"{self.identity} {self.namespace}\n".encode())
        for url in ORDER:
            for name, made in sorted(self.by_type.get(url, {}).items()):
                digest.update(f"{url} {name} {made.version}\n".encode())
        return digest.hexdigest()[:16]

    def messages(self, type_url: str) -> dict[str, Message]:
        """Name → decoded message of one type."""
        return {name: made.message() for name, made in self.by_type.get(type_url, {}).items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resources) and self.version == other.version

    def __hash__(self) -> int:
        return hash(self.version)


@dataclass(frozen=True)
class Chain:
    """Network filters, before it is decided what transport they are reached over."""

    filters: tuple[Message, ...]
    name: str = ""


@dataclass(frozen=True)
class LocalService:
    """One TCP port of the pod that the Envoy itself serves.

    `hcm` ends with the router filter; the mesh may put filters before its first one (RBAC, JWT).
    """

    port: int
    hcm: HttpConnectionManager
    tls_secret: str = ""  # not empty: the port is TLS of its own, with this SDS secret

    def chain(self) -> Chain:
        """The port's network filters as they stand."""
        return Chain((network_filter(HCM, self.hcm),), name=f"local|{self.port}")


@dataclass(frozen=True)
class RoleParts:
    """What a role asks for.

    The caller makes a listener on 0.0.0.0:port for each service (`roles.plain_listener`), and
    with the mesh the same chain again behind mTLS. Everything else is published as it is.
    """

    services: tuple[LocalService, ...] = ()
    listeners: tuple[Listener, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    endpoints: tuple[ClusterLoadAssignment, ...] = ()
    routes: tuple[RouteConfiguration, ...] = ()

    def __add__(self, other: RoleParts) -> RoleParts:
        return RoleParts(
            self.services + other.services,
            self.listeners + other.listeners,
            self.clusters + other.clusters,
            self.endpoints + other.endpoints,
            self.routes + other.routes,
        )


HCM = "envoy.filters.network.http_connection_manager"


def pack(message: Message) -> PbAny:
    """The message in an `Any`, encoded deterministically."""
    packed = PbAny()
    packed.type_url = _PREFIX + message.DESCRIPTOR.full_name
    packed.value = message.SerializeToString(deterministic=True)
    return packed


def network_filter(name: str, config: Message) -> Message:
    """A listener's network filter."""
    return Filter(name=name, typed_config=pack(config))
