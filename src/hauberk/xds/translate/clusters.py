"""Clusters towards services, with their subsets, and their endpoints.

Source: istio/istio pilot/pkg/networking/core/cluster.go, cluster_builder.go, cluster_traffic_policy.go.
Deviation: a gateway speaks HTTP/2 to a Revision's pods whatever its client spoke: one connection in place of
many costs both Envoys a tenth less (docs/design/013). The container is spoken to as its port says.
Deviation: a headless Service's cluster goes to the address the client chose, with mTLS when every endpoint
takes it; upstream decides by the first endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.address_pb2 import BindConfig, SocketAddress
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from google.protobuf.struct_pb2 import Struct

from hauberk.kinds.istio_networking.destination_rule import ClientTLS, ConnectionPool, OutlierDetection
from hauberk.mesh.model import Destination, Endpoint, Port, Protocol, Service
from hauberk.mesh.origins import distinct
from hauberk.xds.translate import names, tls
from hauberk.xds.translate.policy import Effective, effective
from hauberk.xds.translate.roles.tls import ads
from hauberk.xds.translate.types import Message, Resource, pack, resource

_PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CONNECT_S = 10
_IN_MESH = Struct()
_IN_MESH.update({"tlsMode": "istio"})
_LB = {
    "": "LEAST_REQUEST",
    "UNSPECIFIED": "LEAST_REQUEST",
    "LEAST_REQUEST": "LEAST_REQUEST",
    "LEAST_CONN": "LEAST_REQUEST",
    "ROUND_ROBIN": "ROUND_ROBIN",
    "RANDOM": "RANDOM",
}


@dataclass(frozen=True, slots=True)
class Client:
    """What the client's side says."""

    certificate: bool  # it can speak the mesh's mTLS
    auto_mtls: bool = True
    gateway: bool = False


def service_resources(service: Service, rule: Destination | None, client: Client) -> tuple[Resource, ...]:
    """Every cluster of a service, with its subsets, and the endpoints of each."""
    origins = distinct((rule.origin if rule is not None else None, service.origin))
    return tuple(resource(message, origins) for message in _service(service, rule, client))


def _service(service: Service, rule: Destination | None, client: Client) -> Iterator[Message]:
    subsets = rule.spec.subsets if rule is not None else ()
    for port in service.ports:
        rows = service.endpoints.get(port.number, ())
        yield from _pair(service, port, "", rows, effective(rule, port.number), client)
        for subset in subsets:
            chosen = tuple(row for row in rows if row.matches(subset.labels))
            yield from _pair(service, port, subset.name, chosen, effective(rule, port.number, subset), client)


def _pair(
    service: Service, port: Port, subset: str, rows: Sequence[Endpoint], how: Effective, client: Client
) -> Iterator[Message]:
    made = Cluster(
        name=names.outbound(service.host, port.number, subset), connect_timeout=timedelta(seconds=_CONNECT_S)
    )
    multiplexed = service.multiplexed and client.gateway
    limits(made, how.pool)
    eject(made, how.outlier)
    protocol(made, how, port.protocol, multiplexed=multiplexed)
    secure(made, service, port, subset, rows, how, client)
    simple = how.balancer.simple if how.balancer else ""
    if service.resolution == "NONE" or simple == "PASSTHROUGH" or (service.headless and not subset):
        made.type, made.lb_policy = Cluster.ORIGINAL_DST, Cluster.CLUSTER_PROVIDED
        yield made
        return
    balance(made, how)
    if service.resolution == "DNS":
        made.type, made.dns_lookup_family = Cluster.STRICT_DNS, Cluster.V4_ONLY
        made.respect_dns_ttl = True
        made.load_assignment.CopyFrom(assignment(made.name, rows))
        yield made
        return
    made.type = Cluster.EDS
    made.eds_cluster_config.eds_config.CopyFrom(ads())
    yield made
    yield assignment(made.name, rows)


def assignment(name: str, rows: Sequence[Endpoint]) -> Message:
    """Endpoints; those that take mTLS say so in the metadata that the transport is chosen by."""
    endpoints = []
    for row in rows:
        where = {"socket_address": {"address": row.address, "port_value": row.port}}
        point: dict[str, object] = {"endpoint": {"address": where}, "load_balancing_weight": {"value": 1}}
        if row.mtls:
            mark = {"envoy.transport_socket_match": _IN_MESH}
            point["metadata"] = {"filter_metadata": mark}
        endpoints.append(point)
    return ClusterLoadAssignment(
        cluster_name=name, endpoints=[{"lb_endpoints": endpoints}] if endpoints else []
    )


def secure(
    made: Message,
    service: Service,
    port: Port,
    subset: str,
    rows: Sequence[Endpoint],
    how: Effective,
    client: Client,
) -> None:
    """The DestinationRule's TLS, else the mesh's mTLS to those endpoints that take it."""
    http2 = how.upgrades(port.protocol, multiplexed=service.multiplexed and client.gateway)
    mode = how.tls.mode if how.tls is not None else ""
    if mode in ("SIMPLE", "MUTUAL"):
        alpn = ("h2",) if http2 else ("http/1.1",) if port.protocol.is_http else ()
        made.transport_socket.CopyFrom(tls.plain_client(how.tls or ClientTLS(), service.host, alpn=alpn))
        return
    if mode == "DISABLE" or not client.certificate:
        return
    identities = service.identities or sorted({row.identity for row in rows if row.mtls and row.identity})
    wanted = how.tls.subject_alt_names if how.tls is not None else ()
    mesh = tls.mesh_client(
        sni=(how.tls.sni if how.tls else "") or names.sni(service.host, port.number, subset),
        identities=wanted or service.subject_alt_names or identities,
        alpn=mesh_alpn(port.protocol, http2=http2),
    )
    if mode == "ISTIO_MUTUAL":
        made.transport_socket.CopyFrom(mesh)
    elif made_by_destination(service, how, subset):
        if rows and all(row.mtls for row in rows) and client.auto_mtls:
            made.transport_socket.CopyFrom(mesh)
    elif client.auto_mtls and (service.identities or any(row.mtls for row in rows)):
        made.transport_socket_matches.add(name="tlsMode-istio", match=_IN_MESH, transport_socket=mesh)
        made.transport_socket_matches.add(name="tlsMode-disabled", match=Struct(), transport_socket=tls.raw())


def made_by_destination(service: Service, how: Effective, subset: str) -> bool:
    """Whether hosts come from the connection, so that no endpoint metadata is at hand."""
    passthrough = how.balancer is not None and how.balancer.simple == "PASSTHROUGH"
    return passthrough or (service.headless and not subset)


def mesh_alpn(spoken: Protocol, *, http2: bool) -> tuple[str, ...]:
    """Protocol names by which the peer's sidecar knows mesh traffic, and whether it is HTTP."""
    if http2:
        return ("istio-h2", "istio")
    return ("istio-http/1.1", "istio") if spoken.is_http else ("istio",)


def protocol(made: Message, how: Effective, spoken: Protocol, *, multiplexed: bool = False) -> None:
    """HTTP/1.1, HTTP/2, or what the client spoke, with the pool's limits on streams."""
    if spoken not in (Protocol.HTTP, Protocol.HTTP2, Protocol.AUTO):
        return
    http = how.pool.http if how.pool is not None else None
    http2: dict[str, object] = {"allow_connect": True}  # WebSockets
    if http is not None and http.max_concurrent_streams:
        http2["max_concurrent_streams"] = {"value": http.max_concurrent_streams}
    options = HttpProtocolOptions()
    if how.upgrades(spoken, multiplexed=multiplexed):
        options.explicit_http_config.http2_protocol_options.MergeFrom(
            type(options.explicit_http_config.http2_protocol_options)(**http2)
        )
    elif spoken == Protocol.AUTO or (http is not None and http.use_client_protocol):
        options.use_downstream_protocol_config.http_protocol_options.enable_trailers = True
        options.use_downstream_protocol_config.http2_protocol_options.SetInParent()
    else:
        options.explicit_http_config.http_protocol_options.enable_trailers = True
    if http is not None and http.idle_timeout:
        options.common_http_protocol_options.idle_timeout.FromTimedelta(how.seconds(http.idle_timeout))
    if http is not None and http.max_requests_per_connection:
        options.common_http_protocol_options.max_requests_per_connection.value = (
            http.max_requests_per_connection
        )
    made.typed_extension_protocol_options[_PROTOCOL_OPTIONS].CopyFrom(pack(options))


def limits(made: Message, pool: ConnectionPool | None) -> None:
    """Circuit breakers: no limit unless the rule sets one."""
    tcp, http = (pool.tcp, pool.http) if pool is not None else (None, None)
    if tcp is not None and tcp.connect_timeout:
        made.connect_timeout.FromTimedelta(Effective.seconds(tcp.connect_timeout))
    made.circuit_breakers.thresholds.add(
        max_connections={"value": (tcp.max_connections if tcp else 0) or names.MANY},
        max_pending_requests={"value": (http.http1_max_pending_requests if http else 0) or names.MANY},
        max_requests={"value": (http.http2_max_requests if http else 0) or names.MANY},
        max_retries={"value": (http.max_retries if http else 0) or names.MANY},
    )


def eject(made: Message, outlier: OutlierDetection | None) -> None:
    """Outlier detection as the rule says; none without a rule."""
    if outlier is None:
        return
    errors = outlier.consecutive_5xx_errors
    if errors is None:
        errors = outlier.consecutive_errors
    found = made.outlier_detection
    found.enforcing_success_rate.value = 0
    found.consecutive_5xx.value = 5 if errors is None else errors
    found.enforcing_consecutive_5xx.value = 0 if errors == 0 else 100
    if outlier.consecutive_gateway_errors:
        found.consecutive_gateway_failure.value = outlier.consecutive_gateway_errors
        found.enforcing_consecutive_gateway_failure.value = 100
    found.interval.FromTimedelta(Effective.seconds(outlier.interval or "10s"))
    found.base_ejection_time.FromTimedelta(Effective.seconds(outlier.base_ejection_time or "30s"))
    found.max_ejection_percent.value = outlier.max_ejection_percent
    made.common_lb_config.healthy_panic_threshold.value = outlier.min_health_percent


def balance(made: Message, how: Effective) -> None:
    """The load balancer; least request unless the rule says otherwise."""
    simple = how.balancer.simple if how.balancer is not None else ""
    made.lb_policy = Cluster.LbPolicy.Value(_LB.get(simple, "LEAST_REQUEST"))
    if not made.common_lb_config.HasField("healthy_panic_threshold"):
        made.common_lb_config.healthy_panic_threshold.value = 0


def black_hole() -> Message:
    """Nothing behind it: 503, or a closed connection."""
    return Cluster(name=names.BLACK_HOLE, type=Cluster.STATIC, connect_timeout=timedelta(seconds=_CONNECT_S))


def passthrough(name: str) -> Message:
    """Wherever the client wanted to go, as it was spoken."""
    made = Cluster(
        name=name,
        type=Cluster.ORIGINAL_DST,
        lb_policy=Cluster.CLUSTER_PROVIDED,
        connect_timeout=timedelta(seconds=_CONNECT_S),
    )
    options = HttpProtocolOptions()
    options.use_downstream_protocol_config.http_protocol_options.enable_trailers = True
    options.use_downstream_protocol_config.http2_protocol_options.SetInParent()
    made.typed_extension_protocol_options[_PROTOCOL_OPTIONS].CopyFrom(pack(options))
    limits(made, None)
    return made


def past_capture(made: Cluster) -> None:
    """Connect from 127.0.0.6, which the pod's rules let through to its own address.

    Source: istio/istio pilot/pkg/networking/core/cluster_builder.go, InboundPassthroughBindIpv4.
    """
    source = SocketAddress(address="127.0.0.6", port_value=0)
    made.upstream_bind_config.CopyFrom(BindConfig(source_address=source))


def local(name: str, address: str, port: int, spoken: Protocol, *, connect_s: float = _CONNECT_S) -> Message:
    """One address of the pod itself, reached past the pod's own capture."""
    made = Cluster(name=name, type=Cluster.STATIC, connect_timeout=timedelta(seconds=connect_s))
    past_capture(made)
    limits(made, None)
    protocol(made, Effective(), spoken)
    made.load_assignment.CopyFrom(assignment(name, [Endpoint(address, port)]))
    return made
