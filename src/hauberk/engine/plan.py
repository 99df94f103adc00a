"""The words in which controllers speak to the engine. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from hauberk.base.refs import Json, Ref
from hauberk.ports import Snapshot

World = TypeVar("World")


@dataclass(frozen=True, slots=True)
class Note:
    """A core/v1 Event about the parent. The engine drops repeats of the same note."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What should exist below one object, and what its status should say.

    `children` is the complete set: a child of an owned kind (Controller.owns) that this
    object owns and that is not listed is deleted. `others` are applied, without an owner
    reference and never pruned (shared objects such as a ConfigMap an admin may edit);
    `create` are POSTed with an owner reference and (`generateName`) a generated name, and never
    compared again: the controller counts them itself, so their kind stands in `wakes`, not in
    `owns`; `created` is recorded for each, with its name in place of `{}`. `patches` are JSON
    merge patches; `gone` are deleted when they exist. `status` None leaves the status alone;
    otherwise it is the complete status except `observedGeneration` (give it as None to have
    none) and transition times, which the engine fills in. `retry_after` (seconds) means: no
    watch event will wake us for this.
    """

    children: tuple[Json, ...] = ()
    others: tuple[Json, ...] = ()
    create: tuple[Json, ...] = ()
    created: Note | None = None
    patches: tuple[tuple[Ref, Json], ...] = ()
    gone: tuple[Ref, ...] = ()
    status: Json | None = None
    notes: tuple[Note, ...] = ()
    retry_after: float | None = None


Wakes = Callable[[Json, Snapshot], Iterable[Ref]]
"""From a changed object (its last state, if deleted) to the parents that must be looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller(Generic[World]):
    """One row of the controller table.

    A change to an object of an owned kind wakes its owner; `wakes` adds other kinds.
    `finalize`, when set, is called while the object is being deleted: the engine puts the
    finalizer `hauberk.dev/NAME` on every object that `observe` reads, applies the plan that `finalize`
    returns, and takes the finalizer off when that plan has `retry_after` None. `while_deleting`: `observe`
    and `plan` are asked about an object that is being deleted, too.
    """

    name: str  # unique; also the field manager: `hauberk-NAME`
    kind: str  # kind name of the parent, such as `Revision.serving.knative.dev`
    owns: tuple[str, ...] = ()
    wakes: Mapping[str, Wakes] = field(default_factory=dict)
    observe: Callable[[Snapshot, Ref], World | None]  # sync; reads only the snapshot (and facts)
    plan: Callable[[World, float], Plan]  # pure: no I/O, no clock, no randomness
    finalize: Callable[[World, float], Plan] | None = None
    while_deleting: bool = False
