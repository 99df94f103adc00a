"""What a gateway pod serves: a listener per port, a filter chain per TLS server, a route table per server.

Source: istio/istio pilot/pkg/networking/core/gateway.go (buildGatewayListeners, buildGatewayHTTPRouteConfig,
buildGatewayNetworkFiltersFromTLSRoutes). Hosts that no VirtualService claims get 404 from Envoy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from envoy.config.route.v3.route_components_pb2 import VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from hauberk.kinds.istio_networking.virtual_service_model import L4Match
from hauberk.mesh.gateways import is_tls
from hauberk.mesh.memo import Memo
from hauberk.mesh.model import Bind, Proxy, Routes
from hauberk.mesh.origins import Origin, distinct
from hauberk.mesh.routing import host_matches
from hauberk.xds.translate import authz, inspect, managers, names, routes, tls
from hauberk.xds.translate.outbound import View, shares_of
from hauberk.xds.translate.types import Message, Resource, encoded, resource

_kept = Memo()
_HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")


def gateway(proxy: Proxy, view: View) -> tuple[Resource, ...]:
    """Listeners and route tables of a gateway pod, without clusters."""
    return encoded(_gateway(proxy, view))


def _gateway(proxy: Proxy, view: View) -> Iterator[Resource]:
    by_port: dict[int, list[Bind]] = defaultdict(list)
    for bind in proxy.binds:
        by_port[bind.port].append(bind)
    for port, binds in sorted(by_port.items()):
        if is_tls(binds[0].server):
            yield from _secure_port(port, binds, proxy, view)
        elif protocol(binds[0]) in _HTTP:
            table = f"http.{port}"
            hcm = managers.http(_prefix(port), "gateway", view.settings, routes=table, first=_guard(proxy))
            yield resource(_listener(port, [inspect.chain([hcm])]), _origins(binds, proxy))
            yield _table(table, [b for b in binds if protocol(b) in _HTTP], view)
        else:
            shares = next(filter(None, (_connections(b, view) for b in binds)), [])
            if shares:
                filters = [*authz.network_filters(proxy.policies), managers.tcp(shares, view.settings)]
                rows = [row for bind in binds for row in _bound(bind, view)]
                yield resource(_listener(port, [inspect.chain(filters)]), _origins(binds, proxy, rows))


def _origins(binds: Sequence[Bind], proxy: Proxy, rows: Sequence[Routes] = ()) -> tuple[Origin, ...]:
    """The rules that a listener was made from."""
    guards = (policy.origin for policy in proxy.policies)
    return distinct((*(b.origin for b in binds), *(o for row in rows for o in row.origins), *guards))


def protocol(bind: Bind) -> str:
    """The protocol of the server's port."""
    return bind.server.port.protocol.upper() if bind.server.port else ""


def _prefix(port: int) -> str:
    return f"0.0.0.0_{port}"


def _guard(proxy: Proxy) -> list[tuple[str, Message]]:
    return authz.http_filters(proxy.policies)


def _listener(port: int, chains: Sequence[Message], *, secure: bool = False) -> Message:
    inspectors = [inspect.tls_inspector()] if secure else []
    return inspect.listener(_prefix(port), port, chains, inspectors=inspectors, direction="OUTBOUND")


def _secure_port(port: int, binds: Sequence[Bind], proxy: Proxy, view: View) -> Iterator[Resource]:
    chains: list[Message] = []
    tables: list[Resource] = []
    led: list[Routes] = []  # by these, connections that carry no requests we see
    taken: set[str] = set()
    for bind in binds:
        mode = bind.server.tls.mode if bind.server.tls else "PASSTHROUGH"
        hosts = [host for _, host in bind.hosts if host not in taken]
        if mode == "PASSTHROUGH":
            chains += _carried(bind, proxy, view, taken)
            led += _bound(bind, view)
        elif protocol(bind) == "HTTPS":
            table = table_name(bind, port)
            hcm = managers.http(_prefix(port), "gateway", view.settings, routes=table, first=_guard(proxy))
            chains.append(_terminated(bind, [hcm], hosts, view, http=True))
            tables.append(_table(table, [bind], view))
        else:
            shares = _connections(bind, view)
            led += _bound(bind, view)
            if shares:
                filters = [*authz.network_filters(proxy.policies), managers.tcp(shares, view.settings)]
                chains.append(_terminated(bind, filters, hosts, view, http=False))
        taken |= set(hosts)
    if chains:
        yield resource(_listener(port, chains, secure=True), _origins(binds, proxy, led))
        yield from tables


def table_name(bind: Bind, port: int) -> str:
    """The route table of a terminating server: `https.443.https.GATEWAY.NAMESPACE`."""
    number = bind.server.port.number if bind.server.port else port
    name = bind.server.port.name if bind.server.port else ""
    return f"https.{number}.{name}.{bind.gateway.name}.{bind.gateway.namespace}"


def _terminated(
    bind: Bind, filters: Sequence[Message], hosts: Sequence[str], view: View, *, http: bool
) -> Message:
    assert bind.server.tls is not None, "a terminating server has TLS settings: mesh.gateways checked"
    socket = tls.gateway_server(bind.server.tls, view.settings.trust_domain, http=http)
    when = inspect.match(sni=[] if "*" in hosts else hosts)
    return inspect.chain(filters, name=bind.gateway_name, when=when, socket=socket)


def _carried(bind: Bind, proxy: Proxy, view: View, taken: set[str]) -> Iterator[Message]:
    """TLS that is not terminated, told apart by the name the client asks for."""
    for row in _bound(bind, view):
        for rule in row.tls:
            for match in rule.match:
                names_ = [n for n in match.sni_hosts if n not in taken and _served(bind, row, n)]
                shares = shares_of(rule, view, _number(bind)) if _here(match, bind) else []
                if names_ and shares:
                    taken |= set(names_)
                    filters = [*authz.network_filters(proxy.policies), managers.tcp(shares, view.settings)]
                    sni = [] if "*" in names_ else names_
                    yield inspect.chain(filters, name=names_[0], when=inspect.match(sni=sni, transport="tls"))


def _number(bind: Bind) -> int:
    return bind.server.port.number if bind.server.port else bind.port


def _here(match: L4Match, bind: Bind) -> bool:
    return match.port in (0, _number(bind)) and (not match.gateways or bind.gateway_name in match.gateways)


def _connections(bind: Bind, view: View) -> list[tuple[str, int]]:
    """Where bare connections of a server go: the first rule of the first VirtualService that is for it."""
    for row in _bound(bind, view):
        for rule in row.tcp:
            if any(_here(match, bind) for match in rule.match or (L4Match(),)):
                return shares_of(rule, view, _number(bind))
    return []


def _bound(bind: Bind, view: View) -> list[Routes]:
    return [r for r in view.virtual if bind.gateway_name in r.gateways and _common(bind, r)]


def _common(bind: Bind, row: Routes) -> list[str]:
    """The VirtualService's hosts as far as the server answers for them, in its order.

    Source: istio/istio pilot/pkg/networking/core/gateway.go, hostMatch and host.Names.Intersection.
    """
    found: list[str] = []
    for host in row.hosts:
        for namespace, pattern in bind.hosts:
            if namespace in ("*", row.ref.namespace):
                if host_matches(pattern, host):
                    found.append(host)
                elif host_matches(host, pattern):
                    found.append(pattern)
    return list(dict.fromkeys(found))


def _served(bind: Bind, row: Routes, name: str) -> bool:
    return any(
        namespace in ("*", row.ref.namespace) and (host_matches(pattern, name) or host_matches(name, pattern))
        for namespace, pattern in bind.hosts
    )


def _table(name: str, binds: Sequence[Bind], view: View) -> Resource:
    """One virtual host per host; VirtualServices that share a host are joined, oldest first."""
    by_host: dict[str, list[Message]] = defaultdict(list)
    redirecting: set[str] = set()
    origins: list[Origin | None] = [bind.origin for bind in binds]
    for bind in binds:
        redirects = bind.server.tls is not None and bind.server.tls.https_redirect
        for row in _bound(bind, view):
            made = _routes(bind, row, view)
            origins += row.origins
            for host in _common(bind, row):
                by_host[host] += made
                redirecting |= {host} if redirects else set()
    port = binds[0].port
    hosts = [
        _kept.keep(
            ("host", host, port, host in redirecting),
            partial(_virtual_host, host, port, found, secure=host in redirecting),
            *found,
        )
        for host, found in by_host.items()
        if found
    ]
    table = RouteConfiguration(
        name=name,
        virtual_hosts=hosts,
        validate_clusters={"value": False},
        ignore_port_in_host_matching=True,
        max_direct_response_body_size_bytes={"value": names.BUFFER_BYTES},
    )
    return resource(table, distinct(origins))


def _routes(bind: Bind, row: Routes, view: View) -> list[Message]:
    """What a server's port does with requests for a VirtualService's hosts; once for each state of both."""
    scope = routes.Scope(bind.gateway_name, _number(bind), view.cluster_of)
    return _kept.keep(
        ("routes", bind.gateway_name, scope.port, view.namespace, view.labels),
        lambda: list(routes.translate(row.http, row.gateways, scope)),
        row,
        *view.leads(row),
    )


def _virtual_host(host: str, port: int, found: Sequence[Message], *, secure: bool) -> Message:
    return VirtualHost(
        name=f"{host}:{port}",
        domains=[host],
        routes=_distinct(found),
        require_tls="ALL" if secure else "NONE",
        include_request_attempt_count=True,
    )


def _distinct(found: Sequence[Message]) -> list[Message]:
    """Routes without repeats: two servers of one Gateway on a port see the same VirtualService."""
    out: list[Message] = []
    for made in found:
        if made not in out:
            out.append(made)
    return out
