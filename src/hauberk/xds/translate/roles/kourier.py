"""A Knative ingress without the mesh: plain HTTP on 8080 for the world and on 8081 inside.

Source: knative-extensions/net-kourier pkg/generator/ingress_translator.go.
Deviation: an Ingress's own probe (`K-Network-Probe: probe`) is answered here with its hash.
"""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.route.v3.route_components_pb2 import Route, RouteAction, VirtualHost, WeightedCluster
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from hauberk.mesh.roles import HttpSplit, KourierRole, KourierRoute
from hauberk.xds.translate.roles import http
from hauberk.xds.translate.types import LocalService, Message, RoleParts

EXTERNAL, INTERNAL = "kourier|external", "kourier|internal"


def kourier_parts(role: KourierRole) -> RoleParts:
    """Everything the role needs. The inner door knows every host, the outer one only public ones."""
    splits = {_cluster_of(s): s for route in role.routes for s in route.splits}
    public = [route for route in role.routes if route.visibility == "ExternalIP"]
    doors = ((role.external_port, EXTERNAL), (role.internal_port, INTERNAL))
    return RoleParts(
        services=tuple(LocalService(port, http.manager(f"role_{name}", routes=name)) for port, name in doors),
        clusters=tuple(
            http.eds_cluster(name, "h2c" if split.http2 else "http1") for name, split in splits.items()
        ),
        endpoints=tuple(
            http.assignment(name, [(b, 1) for b in split.backends]) for name, split in splits.items()
        ),
        routes=(_table(EXTERNAL, public), _table(INTERNAL, role.routes)),
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
    headers = [*_headers(row), http.has_header("K-Network-Probe", "probe")]
    return Route(
        match={"prefix": row.path or "/", "headers": headers},
        direct_response={"status": 200},
        response_headers_to_add=[http.set_header("K-Network-Hash", row.probe_hash or "-")],
    )


def _route(row: KourierRoute) -> Message:
    if row.redirect:
        return Route(match=_match(row), redirect={"https_redirect": True})
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
        return Route(match=_match(row), direct_response={"status": 503})
    action = RouteAction(
        weighted_clusters=WeightedCluster(clusters=weights),
        timeout=http.seconds(0),
        host_rewrite_literal=row.rewrite_host,
        retry_policy={"retry_on": "connect-failure,reset-before-request", "num_retries": {"value": 3}},
    )
    return Route(
        match=_match(row),
        route=action,
        request_headers_to_add=[http.set_header(k, v) for k, v in row.set_headers],
    )
