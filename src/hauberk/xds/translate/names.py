"""The names that Istio gives to clusters and to what a TLS client asks for. Tools read them."""

from __future__ import annotations

BLACK_HOLE = "BlackHoleCluster"
PASSTHROUGH = "PassthroughCluster"
INBOUND_PASSTHROUGH = "InboundPassthroughCluster"
ADMIN = "admin"  # static: the proxy's own admin socket
MANY = 4_294_967_295
BUFFER_BYTES = 1_048_576


def outbound(host: str, port: int, subset: str = "") -> str:
    """A cluster towards a service."""
    return f"outbound|{port}|{subset}|{host}"


def inbound(port: int) -> str:
    """A cluster towards the pod's own application."""
    return f"inbound|{port}||"


def sni(host: str, port: int, subset: str = "") -> str:
    """What mesh clients ask for in the TLS hello."""
    return f"outbound_.{port}_.{subset}_.{host}" if subset else f"outbound_.{port}_._.{host}"
