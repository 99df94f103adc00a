"""The API for pods: TLS on the node's address within the pod network, as `kubernetes.default.svc`.

Only bearer tokens count here. The header by which the edge vouches for client certificates is dropped,
so no pod can claim to be an administrator.
"""

from __future__ import annotations

import socket
from pathlib import Path

from hauberk.app.asgi import Asgi, Receive, Scope, Send
from hauberk.app.http import HttpServer
from hauberk.base.files import write_whole
from hauberk.pki.authority import Authority
from hauberk.workloads.bootstrap import API_IP, API_PORT, NODE_IP

_VOUCHED = b"x-forwarded-client-cert"
HOSTS = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


def without_vouching(app: Asgi) -> Asgi:
    """The application, for clients that nobody has vouched for."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if "headers" in scope:
            kept = [(k, v) for k, v in scope["headers"] if k.lower().replace(b"_", b"-") != _VOUCHED]
            scope = {**scope, "headers": kept}
        await app(scope, receive, send)

    return serve


def pod_door(app: Asgi, authority: Authority, pki: Path, now: float) -> HttpServer:
    """A server on NODE_IP:API_PORT with a certificate by the cluster CA. Serves when run."""
    pair = authority.serving_certificate(HOSTS, [API_IP, NODE_IP], now=now)
    certificate, key = pki / "pod-api.crt", pki / "pod-api.key"
    write_whole(key, pair.key)
    write_whole(certificate, pair.chain)
    return HttpServer(without_vouching(app), _listen, certificate=certificate, key=key)


def _listen() -> socket.socket:
    door = socket.socket(socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((NODE_IP, API_PORT))
    return door
