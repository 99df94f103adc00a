"""OpenShift's router, as Envoy configuration: two unix sockets and the admitted Routes.

| Route       | on the TLS socket                             | on the plain socket            |
|-------------|-----------------------------------------------|--------------------------------|
| passthrough | bytes by SNI to the backends                  | its insecure policy, not Allow |
| edge        | terminated, then HTTP to the backends         | its insecure policy            |
| reencrypt   | terminated, then verified TLS to the backends | its insecure policy            |
| none        | 503 page                                      | HTTP to the backends           |

An unknown host answers 503 with the page "Application is not available". Redirects are 302.
Certificates that do not fit their key must have been left out before: Envoy would refuse them.

Source: openshift/router images/router/haproxy/conf/haproxy-config.template and error-page-503.http.
Deviation: `X-Forwarded-For` is not extended, because the client's address ends at the host's edge.
"""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLogFilter
from envoy.config.listener.v3.listener_components_pb2 import FilterChain, ListenerFilter
from envoy.config.route.v3.route_components_pb2 import Route, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.listener.tls_inspector.v3.tls_inspector_pb2 import TlsInspector
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    ResponseMapper,
)
from envoy.extensions.filters.network.tcp_proxy.v3.tcp_proxy_pb2 import TcpProxy

from hauberk.mesh.roles import RouterRole, RouterRoute
from hauberk.xds.translate.roles import http
from hauberk.xds.translate.roles.tls import client_socket, server_socket
from hauberk.xds.translate.types import Message, RoleParts, network_filter, pack

DEFAULT_SECRET = "router-default"
_HTTPS, _HTTP = "router|https", "router|http"
_TUNNEL_IDLE_S = 3600.0
_PAGE = (
    "<html><head><title>Application is not available</title></head><body>"
    "<h1>Application is not available</h1><p>The application is currently not serving requests at this "
    "endpoint. It may not have been started or is still starting.</p></body></html>\n"
)


def router_parts(role: RouterRole) -> RoleParts:
    """Everything the role needs."""
    routes = tuple(sorted(role.routes, key=lambda r: (r.host, -len(r.path), r.namespace, r.name)))
    clusters = [_cluster(route) for route in routes]
    inspector = ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=pack(TlsInspector()))
    https = http.pipe_listener(
        _HTTPS, role.https_socket, _https_chains(role, routes), listener_filters=[inspector]
    )
    plain = FilterChain(filters=[http.hcm_filter(_manager(_HTTP))])
    return RoleParts(
        listeners=(https, http.pipe_listener(_HTTP, role.http_socket, [plain])),
        clusters=tuple(clusters),
        endpoints=tuple(http.assignment(cluster_of(route), route.backends) for route in routes),
        routes=(_secure_table(routes), _plain_table(role, routes)),
    )


def cluster_of(route: RouterRoute) -> str:
    """The name of the Route's cluster."""
    return f"router|{route.namespace}/{route.name}"


def _cluster(route: RouterRoute) -> Message:
    made = http.eds_cluster(cluster_of(route), "h2c" if route.http2 else "http1")
    if route.termination == "reencrypt":
        host = f"{route.service or route.name}.{route.namespace}.svc"
        verified = () if route.destination_ca else (host,)  # as HAProxy's verifyhost
        made.transport_socket.CopyFrom(
            client_socket(roots=route.destination_ca, hosts=verified, sni=host, http2=route.http2)
        )
    return made


def _names(route: RouterRoute) -> list[str]:
    """The Route's host as SNI and virtual host domain."""
    return ["*." + route.host.partition(".")[2]] if route.wildcard else [route.host]


def _https_chains(role: RouterRole, routes: Iterable[RouterRoute]) -> list[Message]:
    """A chain per passthrough host and per host with its own certificate; the rest share the default."""
    chains: dict[str, Message] = {}
    hcm = http.hcm_filter(_manager(_HTTPS))
    for route in routes:
        name = _names(route)[0]
        if name in chains or route.termination == "none":
            continue
        if route.termination == "passthrough":
            chains[name] = FilterChain(
                name=name, filter_chain_match={"server_names": [name]}, filters=[_tunnel(route)]
            )
        elif route.certificate and route.key:
            chains[name] = FilterChain(
                name=name,
                filter_chain_match={"server_names": [name]},
                filters=[hcm],
                transport_socket=server_socket(chain=route.certificate, key=route.key),
            )
    given = bool(role.default_certificate and role.default_key)
    default = server_socket(
        secret="" if given else DEFAULT_SECRET, chain=role.default_certificate, key=role.default_key
    )
    last = FilterChain(
        name="default",
        filter_chain_match={"transport_protocol": "tls"},
        filters=[hcm],
        transport_socket=default,
    )
    return [*chains.values(), last]


def _tunnel(route: RouterRoute) -> Message:
    proxy = TcpProxy(
        stat_prefix="router", cluster=cluster_of(route), idle_timeout=http.seconds(_TUNNEL_IDLE_S)
    )
    return network_filter("envoy.filters.network.tcp_proxy", proxy)


def _manager(table: str) -> Message:
    html = {"key": "content-type", "value": "text/html"}
    page = ResponseMapper(
        filter=AccessLogFilter(response_flag_filter={"flags": ["UH", "UF", "NC", "NR"]}),
        status_code={"value": 503},
        body_format_override={
            "text_format_source": {"inline_string": _PAGE},
            "content_type": "text/html",
        },
        headers_to_add=[{"header": html, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    )
    return http.manager(f"role_{table}", routes=table, replies=[page])


def _table(name: str, hosts: dict[str, list[Message]]) -> Message:
    """Virtual hosts in order; a host or path that matches none is answered with the page (NR)."""
    rows = [VirtualHost(name=host, domains=[host, f"{host}:*"], routes=rows) for host, rows in hosts.items()]
    for row in rows:
        if row.name.startswith("*"):
            del row.domains[1]
    return RouteConfiguration(
        name=name,
        virtual_hosts=rows,
        validate_clusters={"value": False},
        ignore_port_in_host_matching=True,
    )


def _secure_table(routes: Iterable[RouterRoute]) -> Message:
    hosts: dict[str, list[Message]] = {}
    for route in routes:
        if route.termination in ("edge", "reencrypt"):
            hosts.setdefault(_names(route)[0], []).append(_forward(route, "https"))
    return _table(_HTTPS, hosts)


def _plain_table(role: RouterRole, routes: Iterable[RouterRoute]) -> Message:
    hosts: dict[str, list[Message]] = {}
    for route in routes:
        if made := _insecure(role, route):
            hosts.setdefault(_names(route)[0], []).append(made)
    return _table(_HTTP, hosts)


def _insecure(role: RouterRole, route: RouterRoute) -> Message | None:
    """What a plain request gets; None: the page."""
    if route.termination == "none":
        return _forward(route, "http")
    if route.insecure == "Redirect":
        return Route(match=_match(route), redirect=_redirect(role, route))
    if route.insecure == "Allow" and route.termination != "passthrough":
        return _forward(route, "http")
    return None


def _redirect(role: RouterRole, route: RouterRoute) -> dict[str, object]:
    """To the same URL over TLS; the port is named only when it is not the usual one."""
    made: dict[str, object] = {"scheme_redirect": "https", "response_code": "FOUND"}
    if not route.wildcard:
        made["host_redirect"] = route.host
    if route.wildcard or role.https_port != 443:
        made["port_redirect"] = role.https_port
    return made


def _match(route: RouterRoute) -> dict[str, object]:
    if route.path.strip("/"):
        return {"path_separated_prefix": "/" + route.path.strip("/")}
    return {"prefix": "/"}


def _forward(route: RouterRoute, scheme: str) -> Message:
    port = "443" if scheme == "https" else "80"
    headers = [
        ("X-Forwarded-Host", "%REQ(:AUTHORITY)%"),
        ("X-Forwarded-Port", port),
        ("X-Forwarded-Proto", scheme),
        ("Forwarded", f"host=%REQ(:AUTHORITY)%;proto={scheme}"),
    ]
    return Route(
        match=_match(route),
        route={
            "cluster": cluster_of(route),
            "timeout": http.seconds(0),
            "idle_timeout": http.seconds(route.timeout_s),
            "retry_policy": {"retry_on": "connect-failure,reset-before-request", "num_retries": {"value": 3}},
        },
        request_headers_to_add=[http.set_header(name, value) for name, value in headers],
    )
