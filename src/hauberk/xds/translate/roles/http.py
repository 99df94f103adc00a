"""The HTTP building blocks that every role is made of: connection managers, clusters, answers.

Bodies are never buffered, upgrades (WebSocket), trailers and `100 Continue` pass, and no client can
steer Envoy by its `x-envoy-*` request headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLogFilter
from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.address_pb2 import Address
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.config.endpoint.v3.endpoint_components_pb2 import LbEndpoint
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_components_pb2 import FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import HeaderMatcher, Route, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    LocalReplyConfig,
    ResponseMapper,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutation,
)
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from hauberk.mesh.roles import Backend
from hauberk.xds.translate.roles.tls import ads
from hauberk.xds.translate.types import HCM, LocalService, Message, network_filter, pack

ORIGINAL_DST = "x-envoy-original-dst-host"
MANY = 4_294_967_295
_STEERING = (
    "x-envoy-max-retries", "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-hedge-on-per-try-timeout", "x-envoy-upstream-rq-timeout-alt-response",
)  # fmt: skip
Codec = Literal["http1", "h2c"]


def seconds(value: float) -> timedelta:
    """A protobuf Duration's worth of seconds."""
    return timedelta(seconds=value)


def http_filter(name: str, config: Message) -> Message:
    """One entry of `http_filters`."""
    return HttpFilter(name=name, typed_config=pack(config))


def manager(
    prefix: str,
    *,
    routes: RouteConfiguration | str,
    filters: Sequence[Message] = (),
    replies: Sequence[Message] = (),
    append_client: bool = False,
    keep_destination: bool = False,
) -> Message:
    """A connection manager for HTTP/1 and HTTP/2 with these filters before the router.

    `routes` given as a name is fetched from the control plane. `keep_destination` lets the client
    name the address to connect to: only for sockets that the control plane alone can reach.
    """
    dropped = _STEERING if keep_destination else (*_STEERING, ORIGINAL_DST)
    mutation = HeaderMutation(mutations=[{"remove": name} for name in dropped])
    early = TypedExtensionConfig(name="drop-steering", typed_config=pack(mutation))
    router = http_filter("envoy.filters.http.router", Router(suppress_envoy_headers=True))
    made = HttpConnectionManager(
        stat_prefix=prefix,
        codec_type="AUTO",
        http_filters=[*filters, router],
        early_header_mutation_extensions=[early],
        server_header_transformation="PASS_THROUGH",
        stream_idle_timeout=seconds(0),
        request_timeout=seconds(0),
        generate_request_id={"value": False},
        preserve_external_request_id=True,
        use_remote_address={"value": append_client},
        # One trusted hop keeps the `x-forwarded-proto` that a gateway before this Envoy has set.
        xff_num_trusted_hops=1 if append_client else 0,
        proxy_100_continue=True,
        http_protocol_options={"accept_http_10": True, "enable_trailers": True},
        http2_protocol_options={"allow_connect": True},
        upgrade_configs=[{"upgrade_type": "websocket"}],
        max_request_headers_kb={"value": 1024},
        local_reply_config=LocalReplyConfig(mappers=list(replies)) if replies else None,
    )
    if isinstance(routes, str):
        made.rds.route_config_name = routes
        made.rds.config_source.CopyFrom(ads())
    else:
        made.route_config.CopyFrom(routes)
    return made


def route_config(name: str, routes: Iterable[Message], *, domains: Sequence[str] = ("*",)) -> Message:
    """A route table with one virtual host. A route to a cluster that is gone is the route's own fault."""
    host = VirtualHost(name=name, domains=domains, routes=list(routes))
    return RouteConfiguration(name=name, virtual_hosts=[host], validate_clusters={"value": False})


def has_header(name: str, value: str | None = None) -> Message:
    """Match a request that has the header (with exactly this value, when one is given)."""
    if value is None:
        return HeaderMatcher(name=name, present_match=True)
    return HeaderMatcher(name=name, string_match={"exact": value})


def answer(
    status: int,
    body: str,
    *,
    headers: Sequence[Message] = (),
    path: str = "",
    prefix: str = "/",
    response_headers: Sequence[tuple[str, str]] = (),
) -> Message:
    """A route that Envoy answers itself."""
    where = {"path": path} if path else {"prefix": prefix}
    return Route(
        match={**where, "headers": list(headers)},
        direct_response={"status": status, "body": {"inline_string": body}},
        response_headers_to_add=[set_header(k, v) for k, v in response_headers],
    )


def set_header(name: str, value: str, *, absent: bool = False) -> Message:
    """Set a header; with `absent` only when the message has none of that name."""
    action = "ADD_IF_ABSENT" if absent else "OVERWRITE_IF_EXISTS_OR_ADD"
    return HeaderValueOption(header={"key": name, "value": value}, append_action=action)


def on_flags(flags: Sequence[str], status: int, body: str) -> Message:
    """Replace Envoy's own answer for these response flags."""
    return ResponseMapper(
        filter=AccessLogFilter(response_flag_filter={"flags": flags}),
        status_code={"value": status},
        body={"inline_string": body},
    )


def probe_answers() -> list[Message]:
    """What every Knative data plane component answers to the ingress's probes.

    Source: knative.dev/networking pkg/http/probe/handler.go, NewHandler.
    """
    probe = has_header("K-Network-Probe", "probe")
    echoed = Route(
        match={"prefix": "/", "headers": [probe, has_header("K-Network-Hash")]},
        direct_response={"status": 200},
        response_headers_to_add=[set_header("K-Network-Hash", "%REQ(K-Network-Hash)%")],
    )
    missing = answer(400, 'a probe request must contain a non-empty "K-Network-Hash" header', headers=[probe])
    return [echoed, missing]


def address(where: Backend) -> Message:
    """A TCP address."""
    return Address(socket_address={"address": where.address, "port_value": where.port})


def assignment(name: str, backends: Iterable[tuple[Backend, int]], *, health_port: int = 0) -> Message:
    """A cluster's endpoints with their weights (0: left out)."""
    rows = []
    for backend, weight in backends:
        if weight > 0:
            endpoint = {"address": address(backend)}
            if health_port:
                endpoint["health_check_config"] = {"port_value": health_port}
            rows.append(LbEndpoint(endpoint=endpoint, load_balancing_weight={"value": weight}))
    return ClusterLoadAssignment(cluster_name=name, endpoints=[{"lb_endpoints": rows}])


def protocol(codec: Codec, *, streams: int = 0, idle_s: float = 0.0) -> Message:
    """Speak exactly this protocol upstream; `streams` per connection, `idle_s` before it is closed."""
    http2 = {"max_concurrent_streams": {"value": streams}} if streams else {}
    http1 = {"enable_trailers": True}
    explicit = {"http2_protocol_options": http2} if codec == "h2c" else {"http_protocol_options": http1}
    made = HttpProtocolOptions(explicit_http_config=explicit)
    if idle_s:
        made.common_http_protocol_options.idle_timeout.FromTimedelta(seconds(idle_s))
    return made


def cluster(name: str, codec: Codec, *, connect_s: float = 5.0, options: Message | None = None) -> Message:
    """A cluster without a limit of its own; discovery type and endpoints are the caller's."""
    made = Cluster(name=name, connect_timeout=seconds(connect_s))
    extension = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    made.typed_extension_protocol_options[extension].CopyFrom(pack(options or protocol(codec)))
    made.circuit_breakers.CopyFrom(limits(MANY, MANY, MANY))
    return made


def eds_cluster(name: str, codec: Codec, *, options: Message | None = None) -> Message:
    """A cluster whose endpoints the control plane sends, balanced by least request."""
    made = cluster(name, codec, options=options)
    made.type = Cluster.EDS
    made.eds_cluster_config.eds_config.CopyFrom(ads())
    made.lb_policy = Cluster.LEAST_REQUEST
    return made


def original_dst_cluster(name: str, codec: Codec) -> Message:
    """A cluster that connects where `x-envoy-original-dst-host` says."""
    made = cluster(name, codec)
    made.type = Cluster.ORIGINAL_DST
    made.lb_policy = Cluster.CLUSTER_PROVIDED
    made.original_dst_lb_config.use_http_header = True
    made.cleanup_interval.FromTimedelta(seconds(60))
    return made


def limits(connections: int, pending: int, requests: int) -> Message:
    """Circuit breaker thresholds."""
    row = {
        "max_connections": {"value": connections},
        "max_pending_requests": {"value": pending},
        "max_requests": {"value": requests},
        "max_retries": {"value": MANY},
    }
    return CircuitBreakers(thresholds=[row])


def plain_listener(service: LocalService, *, socket: Message | None = None) -> Message:
    """The service on every address of the pod, in plaintext or behind the given transport socket."""
    chain = FilterChain(filters=service.chain().filters, transport_socket=socket)
    return Listener(
        name=f"role|{service.port}",
        address=address(Backend("0.0.0.0", service.port)),
        filter_chains=[chain],
        per_connection_buffer_limit_bytes={"value": 262_144},
    )


def pipe_listener(name: str, path: str, chains: Sequence[Message], **extra: Message) -> Message:
    """A listener on a unix socket (0600)."""
    return Listener(name=name, address={"pipe": {"path": path, "mode": 0o600}}, filter_chains=chains, **extra)


def hcm_filter(config: Message) -> Message:
    """The connection manager as a network filter."""
    return network_filter(HCM, config)
