"""Wiring of the Trigger controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hauberk.base.refs import Json, Ref, annotations_of, ref_of
from hauberk.engine.plan import Controller, Wakes
from hauberk.eventing.indexes import wake_named, wakes_of_addressables
from hauberk.eventing.names import BROKER, FILTER_ROLE, SOURCES, SUBSCRIPTION, TRIGGER
from hauberk.eventing.trigger.make import subscription_name
from hauberk.eventing.trigger.plan import World, plan
from hauberk.events.roles import Serves
from hauberk.kinds.eventing.addressable import MAPPING, SYSTEM, ref_of_reference, resolve
from hauberk.kinds.eventing.broker import CLASS, MT_CHANNEL
from hauberk.kinds.eventing.trigger import DEPENDENCY, parse_dependency
from hauberk.ports import Index, Snapshot


def dependency_of(trigger: Json) -> Ref | None:
    """The object in the annotation knative.dev/dependency."""
    text = annotations_of(trigger).get(DEPENDENCY)
    try:
        return ref_of_reference(parse_dependency(text), trigger["metadata"]["namespace"]) if text else None
    except ValueError:
        return None


def _dependencies(trigger: Json) -> tuple[str, ...]:
    ref = dependency_of(trigger)
    return (str(ref),) if ref is not None else ()


BY_DEPENDENCY = Index(TRIGGER, _dependencies)


def observer(serves: Serves) -> Callable[[Snapshot, Ref], World | None]:
    """Reads one Trigger, its broker and what it names."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        trigger = snapshot.get(ref)
        if trigger is None:
            return None
        spec = trigger["spec"]
        broker = snapshot.get(Ref(BROKER, ref.namespace, spec.get("broker", "")))
        if broker is not None and annotations_of(broker).get(CLASS) != MT_CHANNEL:
            return None
        sink = (spec.get("delivery") or {}).get("deadLetterSink")
        dependency = dependency_of(trigger)
        return World(
            trigger=trigger,
            broker=broker,
            subscriber=resolve(spec.get("subscriber") or {}, ref.namespace, snapshot),
            dead_letter=resolve(sink, ref.namespace, snapshot) if sink else None,
            subscription=snapshot.get(Ref(SUBSCRIPTION, ref.namespace, subscription_name(trigger))),
            dependency=snapshot.get(dependency) if dependency is not None else None,
            acked=serves(FILTER_ROLE, trigger["metadata"]["uid"]),
        )

    return observe


def wake_for_dependency(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The triggers that depend on a source."""
    yield from map(ref_of, snapshot.find(BY_DEPENDENCY, str(ref_of(changed))))


def wake_for_mapping(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """Every trigger, when config-kreference-mapping changes."""
    meta = changed["metadata"]
    if (meta.get("namespace"), meta["name"]) == (SYSTEM, MAPPING):
        yield from map(ref_of, snapshot.list(TRIGGER))


def controller(serves: Serves) -> Controller[World]:
    """The Trigger's row."""
    wakes: dict[str, Wakes] = {
        **dict.fromkeys(SOURCES, wake_for_dependency),
        **wakes_of_addressables(TRIGGER),
        BROKER: wake_named(TRIGGER),
        "ConfigMap": wake_for_mapping,
    }
    return Controller(
        name="trigger",
        kind=TRIGGER,
        owns=(SUBSCRIPTION,),
        wakes=wakes,
        observe=observer(serves),
        plan=plan,
    )
