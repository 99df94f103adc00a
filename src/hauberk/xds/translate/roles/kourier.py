"""A Knative ingress without the mesh: HTTP on 8080 for the world and on 8081 inside, TLS on 8443 and 8444.

A TLS port is open only when there is a certificate: one that an Ingress names for its hosts, or one for all
(8443 only). 8444 is for cluster-local names.
A probe with `K-Network-Hash: override` goes on to the backends with the Ingress's hash in its place, and
whoever answers it (queue or activator) sends that back.
Source: knative-extensions/net-kourier pkg/generator/{ingress_translator,caches}.go; knative/networking
pkg/ingress/ingress.go, InsertProbe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envoy.config.listener.v3.listener_components_pb2 import FilterChain, ListenerFilter
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import Route, RouteAction, VirtualHost, WeightedCluster
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.listener.tls_inspector.v3.tls_inspector_pb2 import TlsInspector

from hauberk.kinds.knative_internal.ingress import HASH_HEADER, HASH_OVERRIDE
from hauberk.mesh.roles import Backend, HttpSplit, KourierCertificate, KourierRole, KourierRoute
from hauberk.xds.translate.roles import http
from hauberk.xds.translate.roles.tls import server_socket
from hauberk.xds.translate.types import LocalService, Message, RoleParts, pack

EXTERNAL, INTERNAL, SECURE = "kourier|external", "kourier|internal", "kourier|tls"


def kourier_parts(role: KourierRole) -> RoleParts:
    """Everything the role needs. The inner door knows every host, the outer one only public ones."""
    splits = {_cluster_of(s): s for route in role.routes for s in route.splits}
    public = [route for route in role.routes if route.visibility == "ExternalIP"]
    doors = ((role.external_port, EXTERNAL), (role.internal_port, INTERNAL))
    has_default = any(not c.hosts for c in role.certificates)
    secure = [route for route in public if route.tls or has_default]
    return RoleParts(
        listeners=tuple(
            _tls_listener(port, routes, certificates)
            for port, routes, certificates in (
                (role.tls_port, SECURE, role.certificates),
                (role.local_tls_port, INTERNAL, role.local_certificates),
            )
            if certificates
        ),
        services=tuple(LocalService(port, http.manager(f"role_{name}", routes=name)) for port, name in doors),
        clusters=tuple(
            http.eds_cluster(name, "h2c" if split.http2 else "http1") for name, split in splits.items()
        ),
        endpoints=tuple(
            http.assignment(name, [(b, 1) for b in split.backends]) for name, split in splits.items()
        ),
        routes=(_table(EXTERNAL, public), _table(INTERNAL, role.routes), _table(SECURE, secure)),
    )


def _tls_listener(port: int, routes: str, certificates: Iterable[KourierCertificate]) -> Message:
    """A chain per certificate, chosen by SNI: the first to name a host has it, the one for all the rest."""
    hcm = http.hcm_filter(http.manager(f"role_{port}_{routes}", routes=routes))
    chains: dict[tuple[str, ...], Message] = {}
    taken: set[str] = set()
    for given in certificates:
        names = tuple(host for host in given.hosts if host not in taken)
        taken |= set(names)
        if names or not given.hosts:
            match = {"server_names": names} if names else {"transport_protocol": "tls"}
            socket = server_socket(chain=given.chain, key=given.key)
            chain = FilterChain(
                name="|".join(names), filter_chain_match=match, filters=[hcm], transport_socket=socket
            )
            chains.setdefault(names, chain)
    inspector = ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=pack(TlsInspector()))
    return Listener(
        name=f"role|{port}",
        address=http.address(Backend("0.0.0.0", port)),
        filter_chains=list(chains.values()),
        listener_filters=[inspector],
    )


def _cluster_of(split: HttpSplit) -> str:
    return f"kourier|{split.cluster}"


def _table(name: str, routes: Iterable[KourierRoute]) -> Message:
    hosts: dict[str, list[KourierRoute]] = {}
    for route in routes:
        for host in route.hosts:
            hosts.setdefault(host, []).append(route)
    return RouteConfiguration(
        name=name,
        virtual_hosts=[_host(host, rows) for host, rows in sorted(hosts.items())],
        validate_clusters={"value": False},
        ignore_port_in_host_matching=True,
    )


def _host(host: str, rows: list[KourierRoute]) -> Message:
    """More specific routes first: by headers, then by the length of the path."""
    ordered = sorted(rows, key=lambda r: (-len(r.match_headers), -len(r.path)))
    routes = [made for row in ordered for made in (_probe(row), _route(row))]
    return VirtualHost(name=host, domains=[host], routes=routes)


def _headers(row: KourierRoute) -> list[Message]:
    return [http.has_header(name, value) for name, value in row.match_headers]


def _match(row: KourierRoute) -> dict[str, object]:
    return {"prefix": row.path or "/", "headers": _headers(row)}


def _probe(row: KourierRoute) -> Message:
    asked = http.has_header(HASH_HEADER, HASH_OVERRIDE)
    match = {"prefix": row.path or "/", "headers": [*_headers(row), asked]}
    return _sent(row, match, (HASH_HEADER, row.probe_hash))


def _route(row: KourierRoute) -> Message:
    return _sent(row, _match(row))


def _sent(row: KourierRoute, match: Mapping[str, object], *added: tuple[str, str]) -> Message:
    weights = [
        WeightedCluster.ClusterWeight(
            name=_cluster_of(split),
            weight={"value": split.weight},
            request_headers_to_add=[http.set_header(k, v) for k, v in split.headers],
        )
        for split in row.splits
        if split.weight > 0
    ]
    if not weights:
        return Route(match=match, direct_response={"status": 503})
    action = RouteAction(
        weighted_clusters=WeightedCluster(clusters=weights),
        timeout=http.seconds(0),
        host_rewrite_literal=row.rewrite_host,
        retry_policy={"retry_on": "connect-failure,reset-before-request", "num_retries": {"value": 3}},
    )
    return Route(
        match=match,
        route=action,
        request_headers_to_add=[http.set_header(k, v) for k, v in (*row.set_headers, *added)],
    )
