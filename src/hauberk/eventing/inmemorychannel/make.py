"""The child of an InMemoryChannel: its host, a Service that stands for the dispatcher's.

Source: knative/eventing pkg/reconciler/inmemorychannel/controller/resources/service.go.
"""

from __future__ import annotations

from hauberk.base.names import child_name
from hauberk.base.refs import Json
from hauberk.eventing.names import DISPATCHER_SERVICE, L_MESSAGING_ROLE, SYSTEM, body
from hauberk.kinds.eventing.addressable import service_host

ROLE = "in-memory-channel"


def service_name(channel: str) -> str:
    """The name of the Service of a channel."""
    return child_name(channel, "-kn-channel")


def host_of(channel: Json) -> str:
    """The host by which the dispatcher knows the channel."""
    meta = channel["metadata"]
    return service_host(service_name(meta["name"]), meta["namespace"])


def make_service(channel: Json) -> Json:
    """An ExternalName with its port: the mesh looks only at those that have one."""
    meta = channel["metadata"]
    return body(
        "v1",
        "Service",
        {
            "name": service_name(meta["name"]),
            "namespace": meta["namespace"],
            "labels": {L_MESSAGING_ROLE: ROLE},
        },
        spec={
            "type": "ExternalName",
            "externalName": service_host(DISPATCHER_SERVICE, SYSTEM),
            "ports": [{"name": "http", "protocol": "TCP", "port": 80}],
        },
    )
