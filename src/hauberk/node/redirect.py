"""istio-init as one nft script: which TCP connections of a pod go through its Envoy.

`parse_istio_iptables` reads the arguments that injection writes, `nft_rules` says what they mean. Both pure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Redirect:
    """What istio-iptables was asked to do. `None` for a list of ports or ranges means all (`*`)."""

    outbound_port: int = 15001
    inbound_port: int = 15006
    inbound_include: tuple[int, ...] | None = None
    inbound_exclude: tuple[int, ...] = ()
    outbound_cidrs: tuple[str, ...] | None = None
    outbound_cidrs_exclude: tuple[str, ...] = ()
    outbound_ports_include: tuple[int, ...] = ()
    outbound_ports_exclude: tuple[int, ...] = ()
    inert: tuple[str, ...] = ()  # flags that were given and do not act; say so in an event
