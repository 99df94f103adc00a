"""SinkBinding → patches of its subjects, and its status. Pure.

New and changed subjects get their environment at admission (`admission.py`), before a pod is made; the
patches here are for subjects older than the binding, and for a sink whose address has changed.

Source: knative.dev/pkg webhook/psbinding/reconciler.go (ReconcileSubject, labelNamespace, ReconcileDeletion);
knative/eventing pkg/apis/sources/v1/sinkbinding_lifecycle.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.engine.plan import Note, Plan
from hauberk.eventing.names import conditions, internal_error
from hauberk.eventing.sources.parts import (
    IDENTITY,
    SINK,
    identity_created,
    sink_note,
    sink_provided,
    sink_status,
)
from hauberk.eventing.sources.sinkbinding.inject import bound, environment, is_selected
from hauberk.kinds.eventing.addressable import Address, Answer
from hauberk.kinds.eventing.sink_binding import EXCLUDE, INCLUDE

AVAILABLE, TOKEN, BUNDLES = "Available", "OIDCTokenSecretCreated", "TrustBundlePropagated"
TYPES = (AVAILABLE, IDENTITY, TOKEN, SINK, BUNDLES)
FIXED = ("Job.batch",)
"""Subjects whose template never changes: only new ones are bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one SinkBinding may depend on."""

    binding: Json
    sink: Answer
    subjects: Sequence[Json]
    missing: str  # what is wrong with the subject's reference; empty when nothing is
    namespace: Json | None
    features: Mapping[str, str]


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide which subjects need a patch, and what the status says."""
    provided = sink_provided(world.sink)
    found = [
        provided,
        identity_created(world.features),
        identity_created(world.features, TOKEN),
        Condition(BUNDLES, "True"),
    ]
    notes: tuple[Note, ...] = sink_note(world.binding, world.sink)
    patches: tuple[tuple[Ref, Json], ...] = ()
    if world.missing:
        found.append(Condition(AVAILABLE, "False", "SubjectMissing", world.missing))
        notes = (*notes, internal_error(world.missing))
    elif isinstance(world.sink, Address):
        found.append(Condition(AVAILABLE, "True"))
        patches = (*_include(world), *_patches(world, environment(world.binding, world.sink)))
    status = {"conditions": conditions(TYPES, *found), **sink_status(world.sink)}
    return Plan(patches=patches, status=status, notes=notes)


def finalize(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Take the environment away from the subjects that are left."""
    return Plan(patches=tuple(_patches(world, [])))


def _patches(world: World, env: list[dict[str, str]]) -> list[tuple[Ref, Json]]:
    found: list[tuple[Ref, Json]] = []
    for subject in world.subjects:
        ref = ref_of(subject)
        if ref.kind in FIXED or not is_selected("exclusion", world.namespace, subject):
            continue
        lists = bound(subject, env)
        if lists is not None:
            found.append((ref, {"spec": {"template": {"spec": lists}}}))
    return found


def _include(world: World) -> list[tuple[Ref, Json]]:
    """The namespace's label, from which admission in inclusion mode knows it; an admin's own label stays."""
    labels = labels_of(world.namespace) if world.namespace else {}
    if world.namespace is None or labels.get(INCLUDE) or labels.get(EXCLUDE):
        return []
    return [(ref_of(world.namespace), {"metadata": {"labels": {INCLUDE: "true"}}})]
