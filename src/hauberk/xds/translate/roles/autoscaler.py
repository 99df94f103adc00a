"""The autoscaler's door: calls of the control plane that leave as the autoscaler's pod.

Source: knative/serving pkg/autoscaler/metrics/http_scrape_client.go (what is called: 9090/metrics).
"""

from __future__ import annotations

from envoy.config.listener.v3.listener_components_pb2 import FilterChain
from envoy.config.route.v3.route_components_pb2 import Route

from hauberk.mesh.roles import AutoscalerRole
from hauberk.xds.translate.roles import http
from hauberk.xds.translate.roles.tls import mesh_socket
from hauberk.xds.translate.types import Message, RoleParts

PEER_HEADER = "x-hauberk-peer"
_PLAIN, _MTLS = "role|autoscaler", "role|autoscaler|mtls"


def autoscaler_parts(role: AutoscalerRole) -> RoleParts:
    """A unix socket on which a request names its target, and the clusters it leaves by."""
    clusters = [http.original_dst_cluster(_PLAIN, "http1")]
    routes = [_route(role, _PLAIN)]
    if role.peer is not None:
        inside = http.original_dst_cluster(_MTLS, "http1")
        inside.transport_socket.CopyFrom(mesh_socket(role.peer, http2=False))
        clusters.append(inside)
        routes.insert(0, _route(role, _MTLS, http.has_header(PEER_HEADER, "mtls")))
    else:
        refused = "the autoscaler's pod takes no part in the mesh\n"
        routes.insert(0, http.answer(503, refused, headers=[http.has_header(PEER_HEADER, "mtls")]))
    hcm = http.manager(
        "role_autoscaler", routes=http.route_config("autoscaler", routes), keep_destination=True
    )
    chain = FilterChain(filters=[http.hcm_filter(hcm)])
    return RoleParts(
        listeners=(http.pipe_listener("role|egress", role.socket, [chain]),), clusters=tuple(clusters)
    )


def _route(role: AutoscalerRole, cluster: str, *headers: Message) -> Message:
    return Route(
        match={"prefix": "/", "headers": list(headers)},
        route={"cluster": cluster, "timeout": http.seconds(role.timeout_s)},
        request_headers_to_remove=[PEER_HEADER],
    )
