"""The child of a Trigger: the Subscription of its broker's channel.

Source: knative/eventing pkg/reconciler/broker/resources/subscription.go; pkg/reconciler/sugar/trigger/path.
"""

from __future__ import annotations

from hauberk.base.names import child_name
from hauberk.base.refs import Json
from hauberk.eventing.names import (
    EVENTING_V1,
    FILTER_SERVICE,
    L_BROKER,
    L_TRIGGER,
    MESSAGING_V1,
    SYSTEM,
    body,
)
from hauberk.kinds.eventing.addressable import service_host


def path_of(trigger: Json) -> str:
    """The path of broker-filter that is the trigger's."""
    meta = trigger["metadata"]
    return f"/triggers/{meta['namespace']}/{meta['name']}/{meta['uid']}"


def subscription_name(trigger: Json) -> str:
    """The name of a trigger's Subscription."""
    meta = trigger["metadata"]
    return child_name(f"{trigger['spec']['broker']}-{meta['name']}-", meta["uid"])


def make_subscription(trigger: Json, broker: Json, channel: Json) -> Json:
    """From the broker's channel to broker-filter; what the subscriber answers goes to the broker again."""
    meta, spec = trigger["metadata"], trigger["spec"]
    home = broker["metadata"]
    answers = {
        "apiVersion": EVENTING_V1,
        "kind": "Broker",
        "name": home["name"],
        "namespace": home["namespace"],
    }
    delivery = spec.get("delivery") or (broker.get("spec") or {}).get("delivery")
    return body(
        MESSAGING_V1,
        "Subscription",
        {
            "name": subscription_name(trigger),
            "namespace": meta["namespace"],
            "labels": {L_BROKER: spec["broker"], L_TRIGGER: meta["name"]},
        },
        spec={
            "channel": dict(channel),
            "subscriber": {"uri": f"http://{service_host(FILTER_SERVICE, SYSTEM)}{path_of(trigger)}"},
            "reply": {"ref": answers},
            **({"delivery": delivery} if delivery else {}),
        },
    )
