"""How objects of Eventing are found by the objects that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Wakes
from hauberk.eventing.names import (
    ADDRESSABLES,
    BROKER,
    CHANNEL,
    EVENT_TYPE,
    IN_MEMORY,
    SLICE,
    SUBSCRIPTION,
    SYSTEM,
    TRIGGER,
)
from hauberk.kinds.eventing.addressable import ref_of_reference, refs_of_destinations
from hauberk.ports import Index, Snapshot

SLICE_OF = "kubernetes.io/service-name"


def _dead_letter(spec: Json) -> Json | None:
    return (spec.get("delivery") or {}).get("deadLetterSink")


def _home(obj: Json) -> str:
    return str(obj["metadata"].get("namespace", ""))


def _of_broker(broker: Json) -> Iterator[str]:
    spec = broker.get("spec") or {}
    yield from map(str, refs_of_destinations(_home(broker), _dead_letter(spec)))
    if spec.get("config"):
        yield str(ref_of_reference(spec["config"], _home(broker)))


def _of_trigger(trigger: Json) -> Iterator[str]:
    spec, home = trigger.get("spec") or {}, _home(trigger)
    yield from map(str, refs_of_destinations(home, spec.get("subscriber"), _dead_letter(spec)))
    yield str(Ref(BROKER, home, str(spec.get("broker", ""))))


def _of_channel(channel: Json) -> Iterator[str]:
    yield from map(str, refs_of_destinations(_home(channel), _dead_letter(channel.get("spec") or {})))


def channel_of(subscription: Json) -> Ref:
    """The channel that a Subscription names."""
    return ref_of_reference((subscription.get("spec") or {}).get("channel") or {}, _home(subscription))


def _of_subscription(subscription: Json) -> Iterator[str]:
    spec, home = subscription.get("spec") or {}, _home(subscription)
    named = (spec.get("subscriber"), spec.get("reply"), _dead_letter(spec))
    yield from map(str, refs_of_destinations(home, *named))
    yield str(channel_of(subscription))


def _of_event_type(event_type: Json) -> Iterator[str]:
    reference = (event_type.get("spec") or {}).get("reference")
    if reference:
        yield str(ref_of_reference(reference, _home(event_type)))


def _index(kind: str, keys: Callable[[Json], Iterable[str]]) -> Index:
    return Index(kind, keys)


NAMED_BY: dict[str, Index] = {
    BROKER: _index(BROKER, _of_broker),
    TRIGGER: _index(TRIGGER, _of_trigger),
    CHANNEL: _index(CHANNEL, _of_channel),
    IN_MEMORY: _index(IN_MEMORY, _of_channel),
    SUBSCRIPTION: _index(SUBSCRIPTION, _of_subscription),
    EVENT_TYPE: _index(EVENT_TYPE, _of_event_type),
}
"""Objects of a kind by the objects that they name (`str(Ref)`)."""

SUBSCRIPTIONS_BY_CHANNEL = Index(SUBSCRIPTION, lambda obj: (str(channel_of(obj)),))
TRIGGERS_BY_BROKER = Index(
    TRIGGER, lambda obj: (f"{_home(obj)}/{(obj.get('spec') or {}).get('broker', '')}",)
)


def wake_named(kind: str) -> Wakes:
    """Wakes the objects of `kind` that name the changed object."""
    index = NAMED_BY[kind]

    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        yield from map(ref_of, snapshot.find(index, str(ref_of(changed))))

    return wake


def wakes_of_addressables(kind: str) -> dict[str, Wakes]:
    """Rows for `Controller.wakes`: whatever has an address wakes those of `kind` that name it."""
    wake = wake_named(kind)
    return dict.fromkeys(ADDRESSABLES, wake)


def wake_for_service(kind: str, *services: str) -> Wakes:
    """Wakes all of `kind` when the endpoints of one of these Services of knative-eventing change."""

    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        meta = changed["metadata"]
        if meta.get("namespace") == SYSTEM and (meta.get("labels") or {}).get(SLICE_OF) in services:
            yield from map(ref_of, snapshot.list(kind))

    return wake


def has_endpoints(snapshot: Snapshot, service: str) -> bool:
    """Whether a Service of knative-eventing has a ready endpoint."""
    return any(
        endpoint.get("addresses") and (endpoint.get("conditions") or {}).get("ready", True)
        for part in snapshot.list(SLICE, SYSTEM, {SLICE_OF: service})
        for endpoint in part.get("endpoints") or ()
    )
