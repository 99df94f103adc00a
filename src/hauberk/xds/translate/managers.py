"""Connection managers, TCP proxies and access logs of the mesh's listeners.

Source: istio/istio pilot/pkg/networking/core/listener_builder.go (buildHTTPConnectionManager, Istio's
defaults: no idle timeout of streams, paths normalised, WebSocket upgrades).
Deviation: trailers of HTTP/1.1 pass every proxy; Istio's Envoys drop them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog
from envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors
from envoy.extensions.filters.http.fault.v3.fault_pb2 import HTTPFault
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
)
from envoy.extensions.filters.network.tcp_proxy.v3.tcp_proxy_pb2 import TcpProxy

from hauberk.mesh.model import Settings
from hauberk.xds.translate.roles.tls import ads
from hauberk.xds.translate.routes import CORS, FAULT
from hauberk.xds.translate.types import HCM, Message, network_filter, pack

TCP = "envoy.filters.network.tcp_proxy"
ROUTER = "envoy.filters.http.router"
_LOG_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% '
    "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
    '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
    '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" '
    '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% '
    "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
Side = Literal["inbound", "outbound", "gateway"]


def access_log(settings: Settings) -> list[Message]:
    """The access log of the mesh; none unless `meshConfig.accessLogFile` is set."""
    if not settings.access_log:
        return []
    line = settings.access_log_format or _LOG_FORMAT
    config = FileAccessLog(
        path=settings.access_log, log_format={"text_format_source": {"inline_string": line}}
    )
    return [AccessLog(name="envoy.access_loggers.file", typed_config=pack(config))]


def http(
    prefix: str,
    side: Side,
    settings: Settings,
    *,
    routes: Message | str,
    first: Iterable[tuple[str, Message]] = (),
) -> Message:
    """A connection manager as a network filter; `first` are filters before the others."""
    return network_filter(HCM, manager(prefix, side, settings, routes=routes, first=first))


def manager(
    prefix: str,
    side: Side,
    settings: Settings,
    *,
    routes: Message | str,
    first: Iterable[tuple[str, Message]] = (),
) -> Message:
    """A connection manager. `routes` given as a name is fetched from the control plane.

    CORS and faults cost nothing where no route asks for them: a route's own configuration switches them on.
    """
    idle = [
        HttpFilter(name=name, typed_config=pack(config), disabled=True)
        for name, config in ((CORS, Cors()), (FAULT, HTTPFault()))
    ]
    made = HttpConnectionManager(
        stat_prefix=f"{side}_{prefix}",
        http_filters=[
            *(HttpFilter(name=name, typed_config=pack(config)) for name, config in first),
            *idle,
            HttpFilter(name=ROUTER, typed_config=pack(Router())),
        ],
        stream_idle_timeout=timedelta(0),
        normalize_path={"value": True},
        path_with_escaped_slashes_action="KEEP_UNCHANGED",
        upgrade_configs=[{"upgrade_type": "websocket"}],
        http_protocol_options={"accept_http_10": True, "enable_trailers": True},
        http2_protocol_options={"allow_connect": True},
        proxy_100_continue=True,
        preserve_external_request_id=side != "gateway",
        server_name="istio-envoy",
        access_log=access_log(settings),
    )
    forward(made, side)
    if isinstance(routes, str):
        made.rds.route_config_name = routes
        made.rds.config_source.CopyFrom(ads())
        made.rds.config_source.initial_fetch_timeout.FromTimedelta(timedelta(0))
    else:
        made.route_config.CopyFrom(routes)
    return made


def forward(made: Message, side: Side) -> None:
    """What is told about the peer in `x-forwarded-client-cert`, and whose word on addresses counts."""
    made.use_remote_address.value = side == "gateway"
    if side == "outbound":
        made.server_header_transformation = HttpConnectionManager.PASS_THROUGH
        return
    sanitizing = side == "gateway"
    made.forward_client_cert_details = (
        HttpConnectionManager.SANITIZE_SET if sanitizing else HttpConnectionManager.APPEND_FORWARD
    )
    made.set_current_client_cert_details.subject.value = True
    made.set_current_client_cert_details.uri = True
    made.set_current_client_cert_details.dns = True
    if side == "inbound":
        made.server_header_transformation = HttpConnectionManager.PASS_THROUGH
    else:
        made.strip_any_host_port = True


def guarded(hcm: Message, first: Sequence[tuple[str, Message]]) -> Message:
    """A role's connection manager behind mTLS: these filters first, the peer in the XFCC header."""
    made = HttpConnectionManager()
    made.CopyFrom(hcm)
    del made.http_filters[:]
    made.http_filters.extend(HttpFilter(name=n, typed_config=pack(c)) for n, c in first)
    made.http_filters.extend(hcm.http_filters)
    made.forward_client_cert_details = HttpConnectionManager.APPEND_FORWARD
    made.set_current_client_cert_details.subject.value = True
    made.set_current_client_cert_details.uri = True
    made.set_current_client_cert_details.dns = True
    return network_filter(HCM, made)


def tcp(shares: Sequence[tuple[str, int]], settings: Settings, prefix: str = "") -> Message:
    """A TCP proxy to clusters with weights."""
    made = TcpProxy(stat_prefix=prefix or shares[0][0], access_log=access_log(settings))
    if len(shares) == 1:
        made.cluster = shares[0][0]
    else:
        made.weighted_clusters.clusters.extend(
            TcpProxy.WeightedCluster.ClusterWeight(name=name, weight=weight) for name, weight in shares
        )
    return network_filter(TCP, made)
