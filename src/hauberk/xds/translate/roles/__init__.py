"""From a role of a pod's Envoy to Envoy configuration: `parts(role)`. Pure."""

from __future__ import annotations

from hauberk.mesh.roles import (
    ActivatorRole,
    AutoscalerRole,
    KourierRole,
    QueueRole,
    Role,
    RouterRole,
)
from hauberk.xds.translate.roles.activator import activator_parts
from hauberk.xds.translate.roles.autoscaler import autoscaler_parts
from hauberk.xds.translate.roles.http import plain_listener
from hauberk.xds.translate.roles.kourier import kourier_parts
from hauberk.xds.translate.roles.queue import queue_parts
from hauberk.xds.translate.roles.router import router_parts
from hauberk.xds.translate.roles.tls import server_socket
from hauberk.xds.translate.types import LocalService, Message, RoleParts


def parts(role: Role) -> RoleParts:
    """Everything one role asks for."""
    match role:
        case QueueRole():
            return queue_parts(role)
        case ActivatorRole():
            return activator_parts(role)
        case AutoscalerRole():
            return autoscaler_parts(role)
        case RouterRole():
            return router_parts(role)
        case KourierRole():
            return kourier_parts(role)


def listener(service: LocalService) -> Message:
    """The service's own listener: on 0.0.0.0, plaintext unless the service has a TLS secret."""
    socket = server_socket(secret=service.tls_secret) if service.tls_secret else None
    return plain_listener(service, socket=socket)
