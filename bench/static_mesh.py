"""The same hops as a request's way through Hauberk, hand-written: four static Envoys on loopback.

client → L4 (edge) → L4 by SNI (router) → TLS termination, HTTP routing, mTLS (gateway) → mTLS
termination, HTTP (the pod's proxy) → application. One worker thread each, as ours.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_TYPE = "type.googleapis.com/envoy.extensions"


def _address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int, **extra: Any) -> Json:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        **extra,
    }


def _tcp(cluster: str) -> Json:
    return {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": f"{_TYPE}.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "tcp",
            "cluster": cluster,
        },
    }


def _http(cluster: str) -> Json:
    route = {"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "http",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
            "http_filters": [
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router"},
                }
            ],
        },
    }


def _tls(side: str, cert: Path, key: Path, ca: Path | None, **extra: Any) -> Json:
    common: Json = {
        "tls_certificates": [
            {"certificate_chain": {"filename": str(cert)}, "private_key": {"filename": str(key)}}
        ]
    }
    if ca is not None:
        common["validation_context"] = {"trusted_ca": {"filename": str(ca)}}
    if side == "Downstream":
        extra["require_client_certificate"] = ca is not None
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPE}.transport_sockets.tls.v3.{side}TlsContext",
            "common_tls_context": common,
            **extra,
        },
    }


def _listener(port: int, filters: list[Json], socket: Json | None = None, inspect: bool = False) -> Json:
    chain: Json = {"filters": filters}
    if socket:
        chain["transport_socket"] = socket
    listener: Json = {"name": f"l{port}", "address": _address(port), "filter_chains": [chain]}
    if inspect:
        listener["listener_filters"] = [
            {
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": {"@type": f"{_TYPE}.filters.listener.tls_inspector.v3.TlsInspector"},
            }
        ]
        chain["filter_chain_match"] = {"server_names": ["*.apps.openshift.example.com"]}
    return listener


def configs(
    base_port: int, app_port: int, wildcard: tuple[Path, Path], mesh: tuple[Path, Path, Path]
) -> list[str]:
    """Four Envoy configurations as JSON; requests enter at `base_port`.

    `wildcard` is (certificate, key) of the gateway; `mesh` is (certificate, key, CA) of both mTLS ends.
    """
    edge, router, gateway, pod = range(base_port, base_port + 4)
    listeners_and_clusters = [
        (_listener(edge, [_tcp("next")]), _cluster("next", router)),
        (_listener(router, [_tcp("next")], inspect=True), _cluster("next", gateway)),
        (
            _listener(gateway, [_http("next")], _tls("Downstream", *wildcard, None)),
            _cluster("next", pod, transport_socket=_tls("Upstream", *mesh)),
        ),
        (_listener(pod, [_http("app")], _tls("Downstream", *mesh)), _cluster("app", app_port)),
    ]
    return [
        json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})
        for listener, cluster in listeners_and_clusters
    ]


def backend(port: int, body_bytes: int) -> str:
    """An Envoy that answers every request itself: an application that is never the bottleneck."""
    manager = _http("none")
    routes = manager["typed_config"]["route_config"]["virtual_hosts"][0]["routes"]
    routes[0] = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "x" * body_bytes}},
    }
    return json.dumps({"static_resources": {"listeners": [_listener(port, [manager])]}})
