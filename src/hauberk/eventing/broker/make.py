"""The child of a Broker: the channel of its triggers.

Source: knative/eventing pkg/reconciler/broker/broker.go; resources/channel.go (BrokerChannelName).
"""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.eventing.names import A_SCOPE, L_BROKER, L_EVERYTHING, SYSTEM, body
from hauberk.kinds.eventing.addressable import service_host
from hauberk.kinds.eventing.in_memory_channel import DURABLE, ORDERED

OWN = (DURABLE, ORDERED)


def channel_name(broker: str) -> str:
    """The name of the channel of a broker's triggers."""
    return f"{broker}-kne-trigger"


def make_channel(broker: Json, template: Json) -> Json:
    """The triggers' channel; annotations of our own about channels are passed on to it."""
    meta, spec = broker["metadata"], broker.get("spec") or {}
    delivery = spec.get("delivery")
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k in OWN}
    return body(
        template["apiVersion"],
        template["kind"],
        {
            "name": channel_name(meta["name"]),
            "namespace": meta["namespace"],
            "labels": {L_BROKER: meta["name"], L_EVERYTHING: "true"},
            "annotations": {A_SCOPE: "cluster", **notes},
        },
        spec={**(template.get("spec") or {}), **({"delivery": delivery} if delivery else {})},
    )


def url_of(broker: Json) -> str:
    """Where events for the broker are sent."""
    meta = broker["metadata"]
    return f"http://{service_host('broker-ingress', SYSTEM)}/{meta['namespace']}/{meta['name']}"
