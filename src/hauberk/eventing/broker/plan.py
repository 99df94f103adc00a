"""Broker → the triggers' channel; readiness of channel, ingress and filter into its status. Pure.

Source: knative/eventing pkg/reconciler/broker/broker.go, ReconcileKind; pkg/apis/eventing/v1/
broker_lifecycle{,_mt}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.eventing.broker.make import make_channel, url_of
from hauberk.eventing.names import (
    A_CHANNEL_ADDRESS,
    A_CHANNEL_KIND,
    A_CHANNEL_NAME,
    A_CHANNEL_VERSION,
    FILTER_SERVICE,
    INGRESS_SERVICE,
    conditions,
    internal_error,
    kept,
)
from hauberk.eventing.served import served
from hauberk.events.roles import Acked
from hauberk.kinds.eventing.addressable import Answer, Unresolved

TYPES = (
    "Addressable", "DeadLetterSinkResolved", "EventPoliciesReady", "FilterReady", "IngressReady",
    "TriggerChannelReady",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Broker may depend on."""

    broker: Json
    template: Json | str  # the channel template, or why there is none
    channel: Json | None
    ingress: bool  # whether broker-ingress has endpoints
    filter: bool
    dead_letter: Answer | None
    policies: tuple[Condition, list[dict[str, str]]]
    acked: Acked | None


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one Broker, and what its status says."""
    if isinstance(world.template, str):
        text = f"Error on setting up the ChannelTemplate: {world.template}"
        failed = Condition("TriggerChannelReady", "False", "ChannelTemplateFailed", text)
        stays = (_kept(world.channel),) if world.channel is not None else ()
        note = internal_error(world.template)
        return Plan(children=stays, status=_unreached(world.broker, failed), notes=(note,))
    children = (make_channel(world.broker, world.template),)
    url = address_of(world.channel)
    if not url:
        text = "Channel does not have an address."
        late = Condition("TriggerChannelReady", "False", "NoAddress", text)
        return Plan(children=children, status=_unreached(world.broker, late))
    found = [
        Condition("TriggerChannelReady", "True"),
        available("FilterReady", FILTER_SERVICE, world.filter),
        ingress_ready(world),
        world.policies[0],
        Condition("Addressable", "True"),
    ]
    sink, resolved = dead_letter_sink(world.dead_letter)
    notes = (internal_error(resolved.message),) if resolved.status == "False" else ()
    status: dict[str, Any] = {
        "conditions": conditions(TYPES, *found, resolved),
        "annotations": _channel_notes(world.template, children[0], url),
        "address": {"name": "http", "url": url_of(world.broker)},
        **sink,
        **({"policies": world.policies[1]} if world.policies[1] else {}),
    }
    return Plan(children=children, status=status, notes=notes)


def _unreached(broker: Json, row: Condition) -> dict[str, Any]:
    """The status while the channel cannot be used; what is known of it stays, so that ingress goes on."""
    stays = kept(broker, "annotations", "address", "policies")
    return {**stays, "conditions": conditions(TYPES, row, before=broker)}


def address_of(channel: Json | None) -> str:
    """The channel's URL; empty while it has none with a host."""
    url = str((((channel or {}).get("status") or {}).get("address") or {}).get("url") or "")
    return url if urlsplit(url).netloc else ""


def available(type: str, service: str, endpoints: bool) -> Condition:  # noqa: A002
    """A condition about the endpoints of a component. Source: PropagateIngressAvailability."""
    if endpoints:
        return Condition(type, "True")
    return Condition(type, "False", "EndpointsUnavailable", f'Endpoints "{service}" are unavailable.')


def ingress_ready(world: World) -> Condition:
    """IngressReady: there are endpoints, and each took the broker."""
    row = available("IngressReady", INGRESS_SERVICE, world.ingress)
    if row.status != "True":
        return row
    generation = world.broker["metadata"].get("generation", 0)
    return served("IngressReady", INGRESS_SERVICE, world.acked, generation)


def dead_letter_sink(answer: Answer | None) -> tuple[dict[str, Any], Condition]:
    """DeadLetterSinkResolved, and the fields of the status that go with it."""
    name = "DeadLetterSinkResolved"
    if answer is None:
        text = "No dead letter sink is configured."
        return {}, Condition(name, "True", "DeadLetterSinkNotConfigured", text)
    if isinstance(answer, Unresolved):
        return {}, Condition(name, "False", "Unable to get the dead letter sink's URI", answer.why)
    fields = {
        "deadLetterSinkUri": answer.url,
        "deadLetterSinkCACerts": answer.ca,
        "deadLetterSinkAudience": answer.audience,
    }
    return {k: v for k, v in fields.items() if v}, Condition(name, "True")


def _channel_notes(template: Json, channel: Json, url: str) -> dict[str, str]:
    return {
        A_CHANNEL_ADDRESS: url,
        A_CHANNEL_KIND: template["kind"],
        A_CHANNEL_VERSION: template["apiVersion"],
        A_CHANNEL_NAME: channel["metadata"]["name"],
    }


def _kept(channel: Json) -> Json:
    """The channel as a child that stays although its template cannot be read now."""
    meta = channel["metadata"]
    named = {k: meta[k] for k in ("name", "namespace", "labels", "annotations") if meta.get(k)}
    spec = {k: v for k, v in (channel.get("spec") or {}).items() if k != "subscribers"}
    return {"apiVersion": channel["apiVersion"], "kind": channel["kind"], "metadata": named, "spec": spec}
