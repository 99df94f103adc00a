"""What flows are made of: channels from a template and Subscriptions between them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.eventing.names import CHANNEL, IN_MEMORY, KAFKA_CHANNEL, MESSAGING_V1, SUBSCRIPTION, body
from hauberk.kinds.eventing.parts import kind_named
from hauberk.ports import Snapshot

OWNS = (CHANNEL, IN_MEMORY, KAFKA_CHANNEL, SUBSCRIPTION)

Stored = Mapping[Ref, Json]
"""The children that are there already."""


def make_channel(template: Json, name: str, namespace: str) -> dict[str, Any]:
    """A channel of the template's kind. Source: pkg/reconciler/sequence/resources/channel.go."""
    meta = {"name": name, "namespace": namespace}
    return body(template["apiVersion"], template["kind"], meta, spec=template.get("spec") or {})


def make_subscription(
    name: str,
    namespace: str,
    channel: Json,
    *,
    subscriber: Json | None,
    reply: Json | None = None,
    delivery: Json | None = None,
) -> dict[str, Any]:
    """A Subscription to one of the flow's channels."""
    spec = {
        "channel": {**_named(channel), "name": channel["metadata"]["name"]},
        "subscriber": subscriber,
        "reply": reply,
        "delivery": delivery,
    }
    meta = {"name": name, "namespace": namespace}
    return body(MESSAGING_V1, "Subscription", meta, spec={k: v for k, v in spec.items() if v})


def destination_of(channel: Json) -> dict[str, Any]:
    """A flow's channel as somebody's reply."""
    meta = channel["metadata"]
    return {"ref": {**_named(channel), "name": meta["name"], "namespace": meta["namespace"]}}


def _named(channel: Json) -> dict[str, Any]:
    return {"apiVersion": channel["apiVersion"], "kind": channel["kind"]}


def is_known(template: Json) -> bool:
    """Whether channels of the template's kind can be made here."""
    return kind_named(template) in OWNS


def appliable(wanted: Iterable[Json], stored: Stored) -> tuple[Json, ...]:
    """The children without the Subscriptions whose channel is another by now: it is immutable.

    What is not listed is deleted, and its deletion wakes the flow, which then makes it anew. Source:
    pkg/reconciler/sequence/sequence.go, reconcileSubscription, which deletes and creates.
    """
    return tuple(obj for obj in wanted if not _moved(stored.get(ref_of(obj)), obj))


def _moved(stored: Json | None, wanted: Json) -> bool:
    if stored is None or wanted["kind"] != "Subscription":
        return False
    before = (stored.get("spec") or {}).get("channel") or {}
    return any(before.get(k) != v for k, v in wanted["spec"]["channel"].items())


def stored_of(snapshot: Snapshot, flow: Json) -> dict[Ref, Json]:
    """The flow's channels and Subscriptions."""
    return {ref_of(o): o for o in snapshot.owned_by(flow["metadata"]["uid"], OWNS)}


def object_reference(obj: Json) -> dict[str, str]:
    """A child as the flow's status names it."""
    meta = obj["metadata"]
    names = ("apiVersion", "kind")
    return {**{k: obj[k] for k in names}, "name": meta["name"], "namespace": meta["namespace"]}


def ready_row(child: Json | None, sort: str) -> dict[str, Any]:
    """The child's Ready as the flow's status repeats it; `sort` is `Channel` or `Subscription`."""
    row = condition(child, "Ready")
    if row is None:
        text = f"{sort} does not have Ready condition"
        return {"type": "Ready", "status": "Unknown", "reason": "NoReady", "message": text}
    return dict(row)


def address_of(channel: Json | None) -> Json | None:
    """The channel's address, when it has one."""
    address: Json | None = ((channel or {}).get("status") or {}).get("address")
    return address if address and address.get("url") else None


def all_true(rows: Sequence[Json]) -> bool:
    """Whether there are rows and all are True."""
    return bool(rows) and all(row["status"] == "True" for row in rows)
