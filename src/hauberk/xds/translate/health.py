"""The proxy's own ports: 15020 (probes of the application), 15021 (ready), 15090 (metrics).

On 15020 a POST to `/quitquitquit` from within the pod ends the proxy: the last step of a Job's work.

They are up once the proxy has its listeners, which is what "ready" means here.
Source: istio/istio pilot/cmd/pilot-agent/status/server.go.
Deviation: probes of kind `tcp` and `grpc` report what a health check every second last saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from envoy.config.core.v3.health_check_pb2 import HealthCheck
from envoy.config.route.v3.route_components_pb2 import Route, RouteAction, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.health_check.v3.health_check_pb2 import HealthCheck as HealthFilter
from envoy.extensions.filters.http.lua.v3.lua_pb2 import Lua, LuaPerRoute
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC, RBACPerRoute
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext

from hauberk.kinds.istio_networking.common import StringMatch
from hauberk.mesh.model import AppProbe, Protocol, Proxy, Settings
from hauberk.xds.translate import clusters, inspect, managers, matching, names, tls
from hauberk.xds.translate.policy import Effective
from hauberk.xds.translate.types import Message, Resource, resource

AGENT_PORT, READY_PORT, STATS_PORT = 15020, 15021, 15090
_READY, _STATS, _QUIT = "/healthz/ready", "/stats/prometheus", "/quitquitquit"
_RBAC, _LUA = "envoy.filters.http.rbac", "envoy.filters.http.lua"
_QUITTING = ((_RBAC, RBAC()), (_LUA, Lua()))  # they act on the route that configures them
_END = f"""
function envoy_on_request(handle)
  local head = {{[":method"] = "POST", [":path"] = "{_QUIT}", [":authority"] = "admin"}}
  handle:httpCall("{names.ADMIN}", head, "", 1000, true)
  handle:respond({{[":status"] = "200"}}, "OK")
end
"""  # answers first: the proxy that ends cannot carry the answer of its own end


def own_ports(proxy: Proxy, settings: Settings) -> tuple[Resource, ...]:
    """Listeners of the proxy's own ports, and clusters towards what is probed."""
    return tuple(resource(message) for message in _own_ports(proxy, settings))


def _own_ports(proxy: Proxy, settings: Settings) -> Iterator[Message]:
    quiet = Settings(root=settings.root)
    ready, stats = _answer(_READY), _to_admin()
    probes = [p for p in proxy.probes if p.kind == "http"]
    checked = [p for p in proxy.probes if p.kind != "http"]
    for name, port, rows in (
        ("ready", READY_PORT, [ready]),
        ("stats", STATS_PORT, [stats]),
        ("agent", AGENT_PORT, [*map(_probe_route, probes), ready, stats, _quit()]),
    ):
        filters = (
            [*(("envoy.filters.http.health_check", _check_filter(p)) for p in checked), *_QUITTING]
            if name == "agent"
            else []
        )
        host = VirtualHost(name=name, domains=["*"], routes=rows)
        table = RouteConfiguration(name=name, virtual_hosts=[host], validate_clusters={"value": False})
        hcm = managers.http(name, "inbound", quiet, routes=table, first=filters)
        yield inspect.listener(f"proxy|{port}", port, [inspect.chain([hcm])])
    for probe in proxy.probes:
        yield _probe_cluster(probe, proxy.ip or "127.0.0.1")


def _answer(path: str) -> Message:
    return Route(match={"path": path}, direct_response={"status": 200})


def _to_admin() -> Message:
    return Route(match={"prefix": _STATS}, route=RouteAction(cluster=names.ADMIN))


def _quit() -> Message:
    """The end of the proxy, for callers on the pod's loopback. Source: pilot-agent, handleQuit."""
    local = {"address_prefix": "127.0.0.0", "prefix_len": {"value": 8}}
    policy = {"permissions": [{"any": True}], "principals": [{"direct_remote_ip": local}]}
    made = Route(match={"path": _QUIT}, route=RouteAction(cluster=names.ADMIN))
    made.match.headers.append(matching.header(":method", StringMatch(exact="POST")))
    made.typed_per_filter_config[_RBAC].Pack(RBACPerRoute(rbac=RBAC(rules={"policies": {"local": policy}})))
    made.typed_per_filter_config[_LUA].Pack(LuaPerRoute(source_code={"inline_string": _END}))
    return made


def _cluster_name(probe: AppProbe) -> str:
    return f"app-health|{probe.path.removeprefix('/app-health/')}"


def _probe_route(probe: AppProbe) -> Message:
    """The kubelet's request as the application expects it; its answer goes back as it is."""
    path = probe.target if probe.target.startswith("/") else f"/{probe.target}"
    action = RouteAction(cluster=_cluster_name(probe))
    action.timeout.FromTimedelta(timedelta(seconds=probe.timeout_s))
    action.regex_rewrite.pattern.regex = "^.*$"
    action.regex_rewrite.substitution = path.replace("\\", "\\\\")
    made = Route(match={"path": probe.path}, route=action)
    for name, value in probe.headers:
        if name.lower() == "host":
            made.route.host_rewrite_literal = value
        else:
            made.request_headers_to_add.add(
                header={"key": name, "value": value}, append_action="OVERWRITE_IF_EXISTS_OR_ADD"
            )
    return made


def _check_filter(probe: AppProbe) -> Message:
    path = matching.header(":path", StringMatch(exact=probe.path))
    healthy = {_cluster_name(probe): {"value": 1}}
    return HealthFilter(
        pass_through_mode={"value": False}, headers=[path], cluster_min_healthy_percentages=healthy
    )


def _probe_cluster(probe: AppProbe, address: str) -> Message:
    made = clusters.local(_cluster_name(probe), address, probe.port, Protocol.HTTP, connect_s=probe.timeout_s)
    if probe.https:
        made.transport_socket.CopyFrom(tls.socket(UpstreamTlsContext()))
    if probe.kind == "http":
        return made
    check = HealthCheck(unhealthy_threshold={"value": 1}, healthy_threshold={"value": 1})
    check.timeout.FromTimedelta(timedelta(seconds=probe.timeout_s))
    for field in ("interval", "no_traffic_interval", "unhealthy_interval"):
        getattr(check, field).FromTimedelta(timedelta(seconds=1))
    if probe.kind == "grpc":
        check.grpc_health_check.service_name = probe.service
        clusters.protocol(made, Effective(), Protocol.HTTP2)
    else:
        check.tcp_health_check.SetInParent()
    made.health_checks.append(check)
    return made
