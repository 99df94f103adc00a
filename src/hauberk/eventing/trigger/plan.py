"""Trigger → Subscription; what it depends on into its status. Pure.

Source: knative/eventing pkg/reconciler/broker/trigger/trigger.go, ReconcileKind; pkg/apis/eventing/v1/
trigger_lifecycle.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, condition, is_true
from hauberk.base.refs import Json, annotations_of, controller_of
from hauberk.engine.plan import Plan
from hauberk.eventing.broker.plan import dead_letter_sink
from hauberk.eventing.names import (
    A_CHANNEL_KIND,
    A_CHANNEL_NAME,
    A_CHANNEL_VERSION,
    FILTER_SERVICE,
    OIDC_OFF,
    conditions,
    copied,
    internal_error,
    kept,
)
from hauberk.eventing.served import served
from hauberk.eventing.trigger.make import make_subscription
from hauberk.events.roles import Acked
from hauberk.kinds.eventing.addressable import Answer, Unresolved
from hauberk.kinds.eventing.trigger import DEPENDENCY, parse_dependency

TYPES = (
    "BrokerReady", "DeadLetterSinkResolved", "DependencyReady", "OIDCIdentityCreated", "SubscriberResolved",
    "SubscriptionReady",
)  # fmt: skip
IDENTITY = Condition("OIDCIdentityCreated", "True", OIDC_OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Trigger may depend on."""

    trigger: Json
    broker: Json | None
    subscriber: Answer
    dead_letter: Answer | None  # the trigger's own
    subscription: Json | None
    dependency: Json | None
    acked: Acked | None


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one Trigger, and what its status says."""
    name = world.trigger["spec"].get("broker", "")
    if world.broker is None:
        text = f'Broker "{name}" does not exist'
        gone = Condition("BrokerReady", "False", "BrokerDoesNotExist", text)
        return Plan(status={"conditions": conditions(TYPES, gone, IDENTITY, before=world.trigger)})
    late = Condition("BrokerReady", "Unknown", "BrokerNotConfigured", "Broker has not yet been reconciled.")
    broker = copied("BrokerReady", condition(world.broker, "Ready"), late)
    if not is_true(world.broker):
        rows = conditions(TYPES, broker, IDENTITY, before=world.trigger)
        stays = kept(world.trigger, "subscriberUri", "subscriberCACerts", "subscriberAudience")
        return Plan(children=_as_it_is(world), status={**stays, "conditions": rows})
    if isinstance(world.subscriber, Unresolved):
        reason = "Unable to get the Subscriber's URI"
        failed = Condition("SubscriberResolved", "False", reason, world.subscriber.why)
        rows = conditions(TYPES, broker, failed, IDENTITY, before=world.trigger)
        status = {**kept(world.trigger), "conditions": rows}
        return Plan(children=_as_it_is(world), status=status, notes=(internal_error(world.subscriber.why),))
    sink, resolved = _dead_letter(world)
    fields: dict[str, Any] = {"subscriberUri": world.subscriber.url, **sink}
    if world.subscriber.ca:
        fields["subscriberCACerts"] = world.subscriber.ca
    if world.subscriber.audience:
        fields["subscriberAudience"] = world.subscriber.audience
    found = [broker, Condition("SubscriberResolved", "True"), resolved, IDENTITY]
    if resolved.status == "False":
        status = {**fields, "conditions": conditions(TYPES, *found)}
        note = internal_error(resolved.message or resolved.reason)
        return Plan(children=_as_it_is(world), status=status, notes=(note,))
    return _subscribed(world, world.broker, fields, found)


def _subscribed(world: World, broker: Json, fields: dict[str, Any], found: list[Condition]) -> Plan:
    wanted = make_subscription(world.trigger, broker, channel_ref(broker))
    if world.subscription is not None and not _is_own(world):
        names = world.trigger["metadata"]["name"], world.subscription["metadata"]["name"]
        text = f'trigger "{names[0]}" does not own subscription "{names[1]}"'
        foreign = Condition("SubscriptionReady", "False", "NotSubscribed", text)
        status = {**fields, "conditions": conditions(TYPES, *found, foreign)}
        return Plan(status=status, notes=(internal_error(text),))
    found = [*found, subscription_ready(world), dependency_ready(world.trigger, world.dependency)]
    return Plan(children=(wanted,), status={**fields, "conditions": conditions(TYPES, *found)})


def channel_ref(broker: Json) -> Mapping[str, str]:
    """The broker's channel, by the annotations of its status."""
    notes = (broker.get("status") or {}).get("annotations") or {}
    keys = (("apiVersion", A_CHANNEL_VERSION), ("kind", A_CHANNEL_KIND), ("name", A_CHANNEL_NAME))
    return {field: str(notes.get(key, "")) for field, key in keys}


def subscription_ready(world: World) -> Condition:
    """SubscriptionReady: the Subscription's Ready, once broker-filter took the trigger, too."""
    text = "Subscription has not yet been reconciled."
    late = Condition("SubscriptionReady", "Unknown", "SubscriptionNotConfigured", text)
    row = copied("SubscriptionReady", condition(world.subscription, "Ready"), late)
    if row.status != "True":
        return row
    generation = world.trigger["metadata"].get("generation", 0)
    return served("SubscriptionReady", FILTER_SERVICE, world.acked, generation)


def dependency_ready(trigger: Json, dependency: Json | None) -> Condition:
    """DependencyReady: of the source in the annotation knative.dev/dependency."""
    name, text = "DependencyReady", annotations_of(trigger).get(DEPENDENCY)
    if text is None:
        return Condition(name, "True")
    try:
        ref = parse_dependency(text)
    except ValueError as error:
        why = f"Unable to unmarshal objectReference from dependency annotation of trigger: {error}"
        return Condition(name, "False", "ReferenceError", why)
    if dependency is None:
        plural = f"{str(ref.get('kind', '')).lower()}s.{str(ref.get('apiVersion', '')).rpartition('/')[0]}"
        why = f'Dependency does not exist: {plural} "{ref.get("name", "")}" not found'
        return Condition(name, "False", "DependencyDoesNotExist", why)
    generation = dependency["metadata"].get("generation")
    observed = (dependency.get("status") or {}).get("observedGeneration")
    if generation != observed:
        why = (
            f'The dependency\'s metadata.generation, "{generation}", is not equal to its '
            f'status.observedGeneration, "{observed}".'
        )
        return Condition(name, "Unknown", "GenerationNotEqual", why)
    late = Condition(name, "Unknown", "DependencyNotConfigured", "Dependency has not yet been reconciled.")
    row = copied(name, condition(dependency, "Ready"), late)
    return Condition(name, "True") if row.status == "True" else row


def _dead_letter(world: World) -> tuple[dict[str, Any], Condition]:
    """The trigger's own dead letter sink, else the broker's. Source: resolveDeadLetterSink."""
    if world.dead_letter is not None:
        return dead_letter_sink(world.dead_letter)
    broker = world.broker or {}
    if ((broker.get("spec") or {}).get("delivery") or {}).get("deadLetterSink"):
        status = broker.get("status") or {}
        keys = ("deadLetterSinkUri", "deadLetterSinkCACerts", "deadLetterSinkAudience")
        if status.get("deadLetterSinkUri"):
            return {k: status[k] for k in keys if k in status}, Condition("DeadLetterSinkResolved", "True")
        reason = f"Broker {broker['metadata']['name']} didn't set status.deadLetterSinkURI"
        return {}, Condition("DeadLetterSinkResolved", "False", reason)
    return dead_letter_sink(None)


def _is_own(world: World) -> bool:
    owner = controller_of(world.subscription) if world.subscription else None
    return owner is not None and owner["uid"] == world.trigger["metadata"]["uid"]


def _as_it_is(world: World) -> tuple[Json, ...]:
    """The Subscription as a child that stays while its wanted form is not known."""
    if world.subscription is None or not _is_own(world):
        return ()
    stored = world.subscription
    meta = {k: stored["metadata"].get(k) for k in ("name", "namespace", "labels")}
    kept = {"apiVersion": stored["apiVersion"], "kind": stored["kind"], "metadata": meta}
    return ({**kept, "spec": stored["spec"]},)
