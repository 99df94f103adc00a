"""Channel → its backing channel, whose state it repeats. Pure.

Source: knative/eventing pkg/reconciler/channel/channel.go; pkg/apis/messaging/v1/channel_lifecycle.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, condition
from hauberk.base.refs import Json, controller_of
from hauberk.engine.plan import Plan
from hauberk.eventing.broker.make import OWN
from hauberk.eventing.broker.plan import address_of, dead_letter_sink
from hauberk.eventing.names import body, conditions, copied, internal_error

TYPES = ("Addressable", "BackingChannelReady", "DeadLetterSinkResolved")
LATE = Condition(
    "BackingChannelReady",
    "Unknown",
    "BackingChannelNotConfigured",
    "BackingChannel has not yet been reconciled.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Channel may depend on."""

    channel: Json
    backing: Json | None


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what backs a Channel, and what its status says."""
    meta, spec = world.channel["metadata"], world.channel["spec"]
    template = spec["channelTemplate"]
    wanted = make_backing(world.channel, template)
    owner = (controller_of(world.backing) or {}).get("uid") if world.backing is not None else meta["uid"]
    if owner != meta["uid"]:
        text = f"channel: {meta['namespace']}/{meta['name']} does not own the {template['kind']} of its name"
        failed = Condition("BackingChannelReady", "False", "ChannelFailure", text)
        return Plan(status={"conditions": conditions(TYPES, failed)}, notes=(internal_error(text),))
    reference = {k: wanted[k] for k in ("apiVersion", "kind")}
    reference |= {k: meta[k] for k in ("name", "namespace")}
    ready = copied("BackingChannelReady", condition(world.backing, "Ready"), LATE)
    sink, resolved = _dead_letter(world)
    status: dict[str, Any] = {"channel": reference, **sink}
    below = (world.backing or {}).get("status") or {}
    status |= {k: below[k] for k in ("address", "addresses", "subscribers") if below.get(k)}
    status["conditions"] = conditions(TYPES, ready, _addressable(world), resolved)
    return Plan(children=(wanted,), status=status)


def make_backing(channel: Json, template: Json) -> Json:
    """The backing channel, of the same name. Source: pkg/duck/channel.go, NewPhysicalChannel."""
    meta, delivery = channel["metadata"], channel["spec"].get("delivery")
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k in OWN}
    return body(
        template["apiVersion"],
        template["kind"],
        {"name": meta["name"], "namespace": meta["namespace"], "annotations": notes},
        spec={**(template.get("spec") or {}), **({"delivery": delivery} if delivery else {})},
    )


def _addressable(world: World) -> Condition:
    if address_of(world.backing):
        return Condition("Addressable", "True")
    return Condition("Addressable", "False", "EmptyHostname", "hostname is the empty string")


def _dead_letter(world: World) -> tuple[dict[str, Any], Condition]:
    backing = world.backing or {}
    status = backing.get("status") or {}
    if not ((backing.get("spec") or {}).get("delivery") or {}).get("deadLetterSink"):
        return dead_letter_sink(None)
    keys = ("deadLetterSinkUri", "deadLetterSinkCACerts", "deadLetterSinkAudience")
    if status.get("deadLetterSinkUri"):
        return {k: status[k] for k in keys if k in status}, Condition("DeadLetterSinkResolved", "True")
    reason = f"Backing Channel {backing['metadata']['name']} didn't set status.deadLetterSinkURI"
    return {}, Condition("DeadLetterSinkResolved", "False", reason)
