"""Wiring of the SinkBinding controller."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller
from hauberk.eventing.config.reading import FEATURES, data_of
from hauberk.eventing.sources.sinkbinding.plan import World, finalize, plan
from hauberk.eventing.sources.sinkbinding.subjects import bindings_of, subjects_of
from hauberk.eventing.sources.wakes import wakes_of_sinks
from hauberk.kinds.eventing.addressable import resolve
from hauberk.kinds.eventing.sink_binding import KIND, SUBJECTS
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one SinkBinding, its sink and its subjects."""
    binding = snapshot.get(ref)
    if binding is None:
        return None
    subjects, missing = subjects_of(binding, snapshot)
    return World(
        binding=binding,
        sink=resolve((binding.get("spec") or {}).get("sink") or {}, ref.namespace, snapshot),
        subjects=subjects,
        missing=missing,
        namespace=snapshot.get(Ref("Namespace", "", ref.namespace)),
        features=data_of(snapshot, FEATURES),
    )


def wake_for_subject(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The bindings that are about the changed object."""
    yield from map(ref_of, bindings_of(changed, changed["metadata"].get("namespace", ""), snapshot))


CONTROLLER: Controller[World] = Controller(
    name="sinkbinding",
    kind=KIND.id,
    wakes=wakes_of_sinks(KIND.id, dict.fromkeys(SUBJECTS, wake_for_subject)),
    observe=observe,
    plan=plan,
    finalize=finalize,
)
