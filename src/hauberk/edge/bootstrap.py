"""The edge: the one Envoy on the host, with a static configuration.

| listener | does                                                                                      |
|----------|-------------------------------------------------------------------------------------------|
| api      | TLS for kubectl; a client certificate is optional and verified; the subject goes to the    |
|          | API server in `x-forwarded-client-cert`, and what a client sent under such names is dropped |
| https    | bytes to the router's TLS socket                                                           |
| http     | bytes to the router's plain socket                                                         |

Watches, logs and exec have no time limit. While the control plane restarts, requests are retried
for some seconds before they fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hauberk.base.paths import Paths
from hauberk.edge.ports import Ports

FLAGS = (
    "--concurrency", "1",
    "--disable-hot-restart",
    "--drain-time-s", "5",
    "--drain-strategy", "immediate",
    "--log-level", "warning",
    "--log-format", "%Y-%m-%dT%T.%eZ\t%l\tedge %n\t%v",
)  # fmt: skip
"""The command line after `envoy -c FILE`."""

_TYPE = "type.googleapis.com/envoy.extensions"
_MANY = 1_000_000
_API_IDLE = "4s"  # below uvicorn's keep-alive of 5 s: an idle connection is closed by the edge
_CONNECT = {"num_retries": 40, "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"}}


def admin_socket(paths: Paths) -> Path:
    """The edge's admin socket."""
    return paths.run / "edge-admin.sock"


def edge(
    *, address: str, ports: Ports, paths: Paths, certificate: Path, key: Path, client_ca: Path
) -> dict[str, Any]:
    """The edge's whole configuration. `address` is where it listens, 127.0.0.1 unless told otherwise."""
    return {
        "node": {"id": "edge", "cluster": "edge"},
        "admin": {"address": {"pipe": {"path": str(admin_socket(paths)), "mode": 0o600}}},
        "static_resources": {
            "listeners": [
                _listener("api", address, ports.api, _api_chain(certificate, key, client_ca)),
                _listener("https", address, ports.https, _carry("router-https")),
                _listener("http", address, ports.http, _carry("router-http")),
            ],
            "clusters": [
                _cluster("api", paths.api_socket, http=True),
                _cluster("router-https", paths.router_https_socket, http=False),
                _cluster("router-http", paths.router_http_socket, http=False),
            ],
        },
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {
                    "patterns": [{"prefix": p} for p in ("cluster.", "http.api", "server.", "listener.")]
                }
            }
        },
        "stats_flush_on_admin": True,
    }


def _listener(name: str, address: str, port: int, chain: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [chain],
        "enable_reuse_port": False,  # a port that someone took meanwhile is an error, not shared
    }


def _carry(cluster: str) -> dict[str, Any]:
    """Bytes, both ways, for as long as both ends want."""
    proxy = {
        "@type": f"{_TYPE}.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": cluster,
        "cluster": cluster,
        "idle_timeout": "0s",
        "max_connect_attempts": 3,
    }
    return {"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}


def _cluster(name: str, socket: Path, *, http: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": _MANY,
                    "max_pending_requests": _MANY,
                    "max_requests": _MANY,
                    "max_retries": _MANY,
                }
            ]
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(socket)}}}}]}],
        },
    }
    if http:
        made["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": _API_IDLE},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        }
    return made


def _api_chain(certificate: Path, key: Path, client_ca: Path) -> dict[str, Any]:
    tls = {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": False,
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": str(certificate)},
                    "private_key": {"filename": str(key)},
                }
            ],
            "validation_context": {"trusted_ca": {"filename": str(client_ca)}},
        },
    }
    return {
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": _api_manager()}
        ],
    }


def _api_manager() -> dict[str, Any]:
    return {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "api",
        "codec_type": "AUTO",
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"subject": True},
        "use_remote_address": True,
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": "0s",
        "request_timeout": "0s",
        "generate_request_id": False,
        "max_request_headers_kb": 1024,
        "common_http_protocol_options": {"idle_timeout": "3600s"},
        "http2_protocol_options": {"max_concurrent_streams": 1000, "allow_connect": True},
        "upgrade_configs": [{"upgrade_type": "websocket"}, {"upgrade_type": "SPDY/3.1"}],
        "early_header_mutation_extensions": [{"name": "who-you-are", "typed_config": _forget_claims()}],
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": f"{_TYPE}.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            }
        ],
        "route_config": {"name": "api", "virtual_hosts": [_api_host()]},
    }


def _forget_claims() -> dict[str, Any]:
    """Headers by which a front proxy could name the user (request header authentication) are ours alone."""
    claims = {"prefix": "x-remote-", "ignore_case": True}
    return {
        "@type": f"{_TYPE}.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        "mutations": [{"remove_on_match": {"key_matcher": claims}}],
    }


def _api_host() -> dict[str, Any]:
    retry = {"retry_on": "connect-failure,refused-stream,reset-before-request", **_CONNECT}
    route = {"cluster": "api", "timeout": "0s", "retry_policy": retry}
    return {
        "name": "api",
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "route": route}],
    }
