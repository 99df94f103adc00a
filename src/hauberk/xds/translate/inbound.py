"""What a sidecar does with connections to its pod.

15006 takes every redirected connection; its filter chains are chosen by the port that was meant.

| mode       | mesh mTLS | TLS of the application | plaintext |
|------------|-----------|------------------------|-----------|
| STRICT     | served    | refused                | refused   |
| PERMISSIVE | served    | carried through        | served    |
| DISABLE    | -         | carried through        | served    |

Under STRICT nothing but mesh mTLS finds a filter chain, on known ports and on all others.
Source: istio/istio pilot/pkg/networking/core/listener_inbound.go (inboundChainOpts) and
pilot/pkg/security/authn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envoy.config.route.v3.route_components_pb2 import Route, RouteAction, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from hauberk.mesh.model import Inbound, Mode, Protocol, Proxy, Settings
from hauberk.mesh.origins import distinct
from hauberk.xds.translate import authz, clusters, inspect, managers, matching, names, tls
from hauberk.xds.translate.types import LocalService, Message, Resource, encoded, resource

CAPTURE_PORT = 15006


@dataclass(frozen=True)
class Door:
    """One inbound port: what it speaks, to which cluster it leads, or which role serves it."""

    port: int  # 0: every other port
    protocol: Protocol
    mode: Mode
    cluster: str
    service: LocalService | None = None


def inbound(proxy: Proxy, settings: Settings, services: Sequence[LocalService]) -> tuple[Resource, ...]:
    """The 15006 listener and the clusters of the application's ports. `services` are the roles' ports."""
    served = {s.port: s for s in services if not s.tls_secret}
    doors = [_door(row, served) for row in proxy.inbound]
    known = {door.port for door in doors}
    doors += [
        Door(port, Protocol.HTTP, _mode(proxy, port), "", service)
        for port, service in sorted(served.items())
        if port not in known
    ]
    rest = Door(0, Protocol.TCP, proxy.mode, names.INBOUND_PASSTHROUGH)
    origins = distinct(policy.origin for policy in proxy.policies)
    made: list[Message | Resource] = [resource(_listener(proxy, settings, [*doors, rest]), origins)]
    beyond = clusters.passthrough(names.INBOUND_PASSTHROUGH)
    clusters.past_capture(beyond)
    made.append(beyond)
    address = proxy.ip or "127.0.0.1"
    made += [clusters.local(d.cluster, address, d.port, d.protocol) for d in doors if d.cluster]
    return encoded(made)


def _mode(proxy: Proxy, port: int) -> Mode:
    return next((row.mode for row in proxy.inbound if row.port == port), proxy.mode)


def _door(row: Inbound, served: dict[int, LocalService]) -> Door:
    if row.port in served:
        return Door(row.port, Protocol.HTTP, row.mode, "", served[row.port])
    return Door(row.port, row.protocol, row.mode, names.inbound(row.port))


def _listener(proxy: Proxy, settings: Settings, doors: Sequence[Door]) -> Message:
    loop = inspect.chain(
        [managers.tcp([(names.BLACK_HOLE, 1)], settings)],
        name="virtualInbound-blackhole",
        when=inspect.match(port=CAPTURE_PORT),
    )
    chains = [chain for door in doors for chain in _chains(door, proxy, settings)]
    sniffing = any(door.protocol == Protocol.AUTO for door in doors)
    inspectors = [inspect.original_dst(), inspect.tls_inspector()]
    return inspect.listener(
        "virtualInbound",
        CAPTURE_PORT,
        [loop, *chains],
        inspectors=[*inspectors, *([inspect.http_inspector()] if sniffing else [])],
        direction="INBOUND",
        sniffing=True,
    )


def _chains(door: Door, proxy: Proxy, settings: Settings) -> Iterator[Message]:
    if door.mode == Mode.DISABLE:
        yield from _plain(door, proxy, settings, transport="")
        return
    yield from _mutual(door, proxy, settings)
    if door.mode == Mode.PERMISSIVE:
        carried = inspect.match(port=door.port, transport="tls")
        if door.service is None:
            yield inspect.chain(_tcp(door, proxy, settings), name=_name(door, "tls"), when=carried)
        yield from _plain(door, proxy, settings, transport="raw_buffer")


def _name(door: Door, what: str) -> str:
    return f"0.0.0.0_{door.port}-{what}" if door.port else f"virtualInbound-catchall-{what}"


def _mutual(door: Door, proxy: Proxy, settings: Settings) -> Iterator[Message]:
    """Chains that demand a certificate of the mesh; PERMISSIVE ones take clients that name its ALPN."""
    socket = tls.mesh_server(settings.trust_domain)
    permissive = door.mode == Mode.PERMISSIVE
    every: tuple[str, ...] = tls.ISTIO_ALPN if permissive else ()
    if door.protocol == Protocol.AUTO:
        when = inspect.match(port=door.port, transport="tls", alpn=tls.ISTIO_HTTP)
        yield inspect.chain(
            _http(door, proxy, settings), name=_name(door, "mtls-http"), when=when, socket=socket
        )
        every = ("istio", "istio-peer-exchange") if permissive else ()
    filters = _http(door, proxy, settings) if door.protocol.is_http else _tcp(door, proxy, settings)
    when = inspect.match(port=door.port, transport="tls", alpn=every)
    yield inspect.chain(filters, name=_name(door, "mtls"), when=when, socket=socket)


def _plain(door: Door, proxy: Proxy, settings: Settings, *, transport: str) -> Iterator[Message]:
    if door.protocol == Protocol.AUTO:
        when = inspect.match(port=door.port, transport="raw_buffer", alpn=inspect.PLAIN_HTTP)
        yield inspect.chain(_http(door, proxy, settings), name=_name(door, "http"), when=when)
    filters = _http(door, proxy, settings) if door.protocol.is_http else _tcp(door, proxy, settings)
    when = inspect.match(port=door.port, transport=transport)
    yield inspect.chain(filters, name=_name(door, "plain"), when=when)


def _http(door: Door, proxy: Proxy, settings: Settings) -> list[Message]:
    first = authz.http_filters(proxy.policies)
    if door.service is not None:
        return [managers.guarded(door.service.hcm, first)]
    prefix = f"0.0.0.0_{door.port}"
    return [managers.http(prefix, "inbound", settings, routes=to_app(door.cluster), first=first)]


def _tcp(door: Door, proxy: Proxy, settings: Settings) -> list[Message]:
    filters = authz.network_filters(proxy.policies)
    return [*filters, managers.tcp([(door.cluster, 1)], settings)]


def to_app(cluster: str) -> Message:
    """The route table of an inbound port: everything to the application, for as long as it takes."""
    action = RouteAction(cluster=cluster)
    action.timeout.FromSeconds(0)
    action.max_stream_duration.max_stream_duration.FromSeconds(0)
    action.max_stream_duration.grpc_timeout_header_max.FromSeconds(0)
    everything = Route(name="default", match=matching.anything(), route=action)
    host = VirtualHost(name="inbound|http|0", domains=["*"], routes=[everything])
    return RouteConfiguration(name=cluster, virtual_hosts=[host], validate_clusters={"value": False})
