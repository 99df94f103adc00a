"""The same hops as a request's way through Hauberk, hand-written: four static Envoys on the same network.

| hop     | does                                   | next                  | counted in Hauberk by         |
|---------|----------------------------------------|-----------------------|-------------------------------|
| edge    | bytes                                  | unix socket           | `cluster.router-https`        |
| router  | SNI, bytes                             | TCP                   | `cluster.router|istio-system` |
| gateway | TLS ends, HTTP/1.1 routed, mTLS begins | TCP, HTTP/1.1 in mTLS | `http.gateway_0.0.0.0_8443`   |
| pod     | mTLS ends, HTTP/1.1 routed             | TCP, HTTP/1.1         | `http.queue`, `cluster.queue` |

One worker thread each, as ours, and each where its counterpart is: the edge on the host, the others in pods
of their own without a sidecar, so that both sides' packets go the same way. A pod in serve mode
(target-burst-capacity 0) has no activator before it. Ours does more at each hop (capture by nft, policies,
routes by host, statistics for the autoscaler); what that costs is what the ratio shows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
LOOPBACK = "127.0.0.1"
IDENTITY = "spiffe://cluster.local/ns/default/sa/default"
"""Whom both mTLS ends show and want to see."""
_TYPE = "type.googleapis.com/envoy.extensions"


Place = tuple[str, int] | Path
"""An address and a port, or a unix socket."""


def _address(place: Place) -> Json:
    if isinstance(place, Path):
        return {"pipe": {"path": str(place)}}
    address, port = place
    return {"socket_address": {"address": address, "port_value": port}}


def _cluster(name: str, place: Place, **extra: Any) -> Json:
    endpoint = {"endpoint": {"address": _address(place)}}
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
        identity = {"san_type": "URI", "matcher": {"exact": IDENTITY}}
        common["validation_context"] = {
            "trusted_ca": {"filename": str(ca)},
            "match_typed_subject_alt_names": [identity],
        }
    common["alpn_protocols"] = ["http/1.1"]
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


def _listener(place: Place, filters: list[Json], socket: Json | None = None, inspect: bool = False) -> Json:
    chain: Json = {"filters": filters}
    if socket:
        chain["transport_socket"] = socket
    listener: Json = {"name": "in", "address": _address(place), "filter_chains": [chain]}
    if inspect:
        listener["listener_filters"] = [
            {
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": {"@type": f"{_TYPE}.filters.listener.tls_inspector.v3.TlsInspector"},
            }
        ]
        chain["filter_chain_match"] = {"server_names": ["*.apps.openshift.example.com"]}
    return listener


@dataclass(frozen=True, slots=True)
class Places:
    """Where the hops listen. `edge` and `app` are ports on loopback, of the host and of the pod."""

    edge: int
    router: Path
    gateway: Place
    pod: Place
    app: int


def configs(
    places: Places, wildcard: tuple[Path, Path], mesh: tuple[Path, Path, Path], body_bytes: int
) -> dict[str, str]:
    """Hop → its Envoy's configuration as JSON: edge, router, gateway, pod, app.

    `wildcard` is (certificate, key) of the gateway; `mesh` is (certificate, key, CA) of both mTLS ends.
    """
    app = (LOOPBACK, places.app)
    hops = {
        "edge": (_listener((LOOPBACK, places.edge), [_tcp("next")]), _cluster("next", places.router)),
        "router": (_listener(places.router, [_tcp("next")], inspect=True), _cluster("next", places.gateway)),
        "gateway": (
            _listener(places.gateway, [_http("next")], _tls("Downstream", *wildcard, None)),
            _cluster("next", places.pod, transport_socket=_tls("Upstream", *mesh)),
        ),
        "pod": (_listener(places.pod, [_http("app")], _tls("Downstream", *mesh)), _cluster("app", app)),
    }
    made = {
        hop: json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})
        for hop, (listener, cluster) in hops.items()
    }
    return {**made, "app": backend(app, body_bytes)}


def backend(place: Place, body_bytes: int, *, delay_ms: int = 0) -> str:
    """An Envoy that answers every request itself: an application that is never the bottleneck."""
    manager = _http("none")
    config = manager["typed_config"]
    routes = config["route_config"]["virtual_hosts"][0]["routes"]
    routes[0] = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "x" * body_bytes}},
    }
    if delay_ms:
        delay = {"fixed_delay": f"{delay_ms / 1000:g}s", "percentage": {"numerator": 100}}
        typed = {"@type": f"{_TYPE}.filters.http.fault.v3.HTTPFault", "delay": delay}
        config["http_filters"].insert(0, {"name": "envoy.filters.http.fault", "typed_config": typed})
    return json.dumps({"static_resources": {"listeners": [_listener(place, [manager])]}})
