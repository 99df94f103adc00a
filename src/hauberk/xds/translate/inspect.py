"""Listener filters and the small parts of listeners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from envoy.config.listener.v3.listener_components_pb2 import FilterChain, FilterChainMatch, ListenerFilter
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.listener.http_inspector.v3.http_inspector_pb2 import HttpInspector
from envoy.extensions.filters.listener.original_dst.v3.original_dst_pb2 import OriginalDst
from envoy.extensions.filters.listener.tls_inspector.v3.tls_inspector_pb2 import TlsInspector

from hauberk.xds.translate import names
from hauberk.xds.translate.types import Message, pack

PLAIN_HTTP = ("http/1.0", "http/1.1", "h2c")
_SNIFF_S = 5  # how long a client may stay silent where the server may speak first


def original_dst() -> Message:
    """Where the client wanted to go, before the pod's rules redirected it."""
    return ListenerFilter(name="envoy.filters.listener.original_dst", typed_config=pack(OriginalDst()))


def tls_inspector() -> Message:
    """Whether it is TLS, and for which name and protocols."""
    return ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=pack(TlsInspector()))


def http_inspector() -> Message:
    """Whether plaintext is HTTP."""
    return ListenerFilter(name="envoy.filters.listener.http_inspector", typed_config=pack(HttpInspector()))


def match(
    *,
    port: int = 0,
    transport: str = "",
    alpn: Sequence[str] = (),
    sni: Sequence[str] = (),
) -> Message:
    """The connections a filter chain is for."""
    made = FilterChainMatch(
        transport_protocol=transport, application_protocols=list(alpn), server_names=list(sni)
    )
    if port:
        made.destination_port.value = port
    return made


def chain(
    filters: Sequence[Message], *, name: str = "", when: Message = None, socket: Message = None
) -> Message:
    """Filters for connections that match, over a transport socket."""
    return FilterChain(name=name, filters=filters, filter_chain_match=when, transport_socket=socket)


def listener(
    name: str,
    port: int,
    chains: Sequence[Message],
    *,
    address: str = "0.0.0.0",
    inspectors: Sequence[Message] = (),
    default: Message = None,
    bind: bool = True,
    direction: str = "UNSPECIFIED",
    original: bool = False,
    sniffing: bool = False,
) -> Message:
    """A listener. `bind` False: only reached through the listener that takes redirected connections."""
    made = Listener(
        name=name,
        address={"socket_address": {"address": address, "port_value": port}},
        filter_chains=list(chains),
        listener_filters=list(inspectors),
        default_filter_chain=default,
        traffic_direction=direction,
        per_connection_buffer_limit_bytes={"value": names.BUFFER_BYTES},
        continue_on_listener_filters_timeout=True,
    )
    if not bind:
        made.bind_to_port.value = False
    if original:
        made.use_original_dst.value = True
    if sniffing:
        made.listener_filters_timeout.FromTimedelta(timedelta(seconds=_SNIFF_S))
    return made
