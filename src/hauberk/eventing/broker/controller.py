"""Wiring of the Broker controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hauberk.base.refs import Json, Ref, annotations_of, controller_of
from hauberk.engine.plan import Controller
from hauberk.eventing.broker.make import channel_name
from hauberk.eventing.broker.plan import World, plan
from hauberk.eventing.config.reading import FEATURES, parse_map, wakes_all
from hauberk.eventing.indexes import (
    has_endpoints,
    wake_for_service,
    wake_named,
    wakes_of_addressables,
)
from hauberk.eventing.names import (
    BACKING,
    BROKER,
    EVENT_POLICY,
    FILTER_SERVICE,
    INGRESS_ROLE,
    INGRESS_SERVICE,
    SLICE,
)
from hauberk.eventing.policies import policies_for, policies_ready, wake_for_policy
from hauberk.events.roles import Serves
from hauberk.kinds.eventing.addressable import resolve
from hauberk.kinds.eventing.broker import CLASS, MT_CHANNEL
from hauberk.ports import Snapshot

TEMPLATE_KEYS = ("channel-template-spec", "channelTemplateSpec")


def template_of(broker: Json, snapshot: Snapshot) -> Json | str:
    """The template of the broker's channel, or why there is none. Source: getChannelTemplate."""
    config = (broker.get("spec") or {}).get("config")
    if not config:
        return "failed to find channelTemplate"
    if config.get("kind") != "ConfigMap":
        return "Broker.Spec.Config configuration not supported, only [kind: ConfigMap, apiVersion: v1]"
    if not config.get("name") or not config.get("namespace"):
        return "Broker.Spec.Config name and namespace are required"
    found = snapshot.get(Ref("ConfigMap", config["namespace"], config["name"]))
    if found is None:
        return f'configmap "{config["name"]}" not found'
    data = found.get("data") or {}
    text = next((data[k] for k in TEMPLATE_KEYS if k in data), None)
    if text is None:
        return f'not found "{TEMPLATE_KEYS[0]}" in the ConfigMap {config["namespace"]}/{config["name"]}'
    template = parse_map(text)
    if not template.get("kind") or not template.get("apiVersion"):
        return f'the "{TEMPLATE_KEYS[0]}" of ConfigMap {config["name"]} names no kind and apiVersion'
    return template


def observer(serves: Serves) -> Callable[[Snapshot, Ref], World | None]:
    """Reads one Broker, its channel and what carries its events."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        broker = snapshot.get(ref)
        if broker is None or annotations_of(broker).get(CLASS) != MT_CHANNEL:
            return None
        template = template_of(broker, snapshot)
        policies = policies_for(broker, snapshot)
        sink = ((broker.get("spec") or {}).get("delivery") or {}).get("deadLetterSink")
        return World(
            broker=broker,
            template=template,
            channel=_channel(broker, snapshot),
            ingress=has_endpoints(snapshot, INGRESS_SERVICE),
            filter=has_endpoints(snapshot, FILTER_SERVICE),
            dead_letter=resolve(sink, ref.namespace, snapshot) if sink else None,
            policies=policies_ready(policies, snapshot),
            acked=serves(INGRESS_ROLE, broker["metadata"]["uid"]),
        )

    return observe


def _channel(broker: Json, snapshot: Snapshot) -> Json | None:
    meta = broker["metadata"]
    for kind in BACKING:
        found = snapshot.get(Ref(kind, meta["namespace"], channel_name(meta["name"])))
        if found is not None and (controller_of(found) or {}).get("uid") == meta["uid"]:
            return found
    return None


def wake_for_config(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The brokers whose template the changed ConfigMap has; all when the features change."""
    yield from wake_named(BROKER)(changed, snapshot)
    yield from wakes_all(BROKER, FEATURES)(changed, snapshot)


def controller(serves: Serves) -> Controller[World]:
    """The Broker's row."""
    return Controller(
        name="broker",
        kind=BROKER,
        owns=BACKING,
        wakes={
            **wakes_of_addressables(BROKER),
            "ConfigMap": wake_for_config,
            SLICE: wake_for_service(BROKER, INGRESS_SERVICE, FILTER_SERVICE),
            EVENT_POLICY: wake_for_policy(BROKER),
        },
        observe=observer(serves),
        plan=plan,
    )
