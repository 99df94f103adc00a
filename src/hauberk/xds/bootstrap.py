"""What an Envoy knows before the control plane speaks to it: who it is, and the way there.

The bootstrap holds no secrets. Everything else arrives over one ADS stream on a unix socket. Two
static clusters may be referred to by any configuration: `xds-grpc` (the control plane; also
ext_authz) and `admin` (the proxy's own admin socket, for metrics).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DNS_ADDRESS = "172.30.0.10"
XDS_CLUSTER = "xds-grpc"
ADMIN_CLUSTER = "admin"
MARK = 1337
"""SO_MARK of every upstream socket: the pod's nft rules let such connections pass uncaptured."""

STATS = ("cluster_manager.", "listener_manager.", "server.", "control_plane.", "sds.", "cluster.xds-grpc.",
         "http.queue", "http.activator", "http.inbound", "http.outbound", "http.gateway", "http.role",
         "cluster.queue|", "cluster.activator|", "cluster.router|", "cluster.kourier|",
         "cluster.outbound|", "cluster.inbound|", "cluster.app-health|", "listener.")  # fmt: skip
"""Prefixes of the statistics that are kept; every other one costs memory and nobody reads it.

Those of `app-health` are read by the health check filter itself: without them every tcp and grpc probe of an
application fails.
"""

_SOL_SOCKET, _SO_MARK = 1, 36
_HEAP_BYTES = 512 * 2**20
_MANY = 1_000_000


def _pipe(path: Path) -> dict[str, Any]:
    return {"pipe": {"path": str(path)}}


def _pipe_cluster(name: str, path: Path, *, http2: bool) -> dict[str, Any]:
    protocol: dict[str, Any] = {"http2_protocol_options": {}} if http2 else {"http_protocol_options": {}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _pipe(path)}}]}],
        },
        # Held requests are calls on this cluster: there may be many, and all ask again at once.
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
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": protocol,
            }
        },
    }


def _dynamic() -> dict[str, Any]:
    backoff = {"base_interval": "0.05s", "max_interval": "0.2s"}
    ads = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [
            {"envoy_grpc": {"cluster_name": XDS_CLUSTER, "retry_policy": {"retry_back_off": backoff}}}
        ],
    }
    source = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    return {"ads_config": ads, "cds_config": source, "lds_config": source}


def _resolver() -> dict[str, Any]:
    """The pods' DNS. The Envoy sees the host's files, and the host's nameserver is not on the pod network."""
    address = {"socket_address": {"address": DNS_ADDRESS, "port_value": 53, "protocol": "UDP"}}
    return {
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/"
            "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [address],
            "dns_resolver_options": {"no_default_search_domain": True},
        },
    }


def _overload() -> dict[str, Any]:
    def action(name: str, ratio: float) -> dict[str, Any]:
        trigger = {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": ratio}}
        return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}

    return {
        "refresh_interval": "1s",
        "resource_monitors": [
            {
                "name": "envoy.resource_monitors.fixed_heap",
                "typed_config": {
                    "@type": "type.googleapis.com/"
                    "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                    "max_heap_size_bytes": _HEAP_BYTES,
                },
            },
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors"
                    ".downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": _MANY,
                },
            },
        ],
        "actions": [action("shrink_heap", 0.9), action("stop_accepting_requests", 0.98)],
    }


def statistics(prefixes: Sequence[str]) -> dict[str, Any]:
    """The `stats_config` that keeps only statistics with these prefixes."""
    return {"stats_matcher": {"inclusion_list": {"patterns": [{"prefix": p} for p in prefixes]}}}


def proxy(
    node_id: str,
    *,
    xds_socket: Path,
    admin_socket: Path,
    cluster: str = "",
    metadata: Mapping[str, str] | None = None,
    mark: int = MARK,
    stats: Sequence[str] = STATS,
) -> dict[str, Any]:
    """The bootstrap of a pod's Envoy. `node_id` is the pod's uid, `mark` 0 leaves sockets unmarked."""
    config: dict[str, Any] = {
        "node": {"id": node_id, "cluster": cluster or node_id, "metadata": dict(metadata or {})},
        "admin": {"address": {"pipe": {"path": str(admin_socket), "mode": 0o600}}},
        "dynamic_resources": _dynamic(),
        "static_resources": {
            "clusters": [
                _pipe_cluster(XDS_CLUSTER, xds_socket, http2=True),
                _pipe_cluster(ADMIN_CLUSTER, admin_socket, http2=False),
            ]
        },
        "stats_config": statistics(stats),
        "typed_dns_resolver_config": _resolver(),
        "stats_flush_on_admin": True,  # no timer: a scrape merges histograms for the next one
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
        "overload_manager": _overload(),
        "layered_runtime": {
            "layers": [{"name": "static", "static_layer": {"re2.max_program_size.error_level": 32768}}]
        },
    }
    if mark:
        option = {"level": _SOL_SOCKET, "name": _SO_MARK, "int_value": mark, "state": "STATE_PREBIND"}
        config["cluster_manager"] = {"upstream_bind_config": {"socket_options": [option]}}
    return config


def argv(binary: Path, config: Path, *, drain_s: int = 45, log_level: str = "warning") -> list[str]:
    """The command line of an Envoy with one worker. Logs go to standard error.

    `drain_s` is how long connections of a changed listener may go on.
    """
    return [
        str(binary),
        "-c", str(config),
        "--concurrency", "1",
        "--disable-hot-restart",
        "--drain-time-s", str(drain_s),
        "--drain-strategy", "immediate",
        "--local-address-ip-version", "v4",
        "--log-level", log_level,
        "--log-format", "%Y-%m-%dT%T.%eZ\t%l\tenvoy %n\t%v",
    ]  # fmt: skip
